"""What a program that computes labels says of itself, and a level of theory by its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labels.label_set import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program and the levels that it computes.

    Attributes:
        name: what messages call it.
        module: the Python module that it is installed as.
        formal_exponents: its methods, each with k of cost ~ n^k for n functions (`count_functions`) once n is large.
            Textbook values (Helgaker, Jørgensen, Olsen, Molecular Electronic-Structure Theory, 2000); small molecules
            have smaller ones.
        takes_basis: whether a level names a basis beside the method.
        takes_charge: whether it knows of charges and unpaired electrons.
        labeller: makes a labeller from settings, level, atomic numbers [A] and reference frames [N, A, 3] in Å.
        count_functions: what the cost grows with, from settings, level, atomic numbers and positions [A, 3] in Å.
        settings: what else decides about a label, as plain data for the sidecar of labels.
    """

    name: str
    module: str
    formal_exponents: Mapping[str, int]
    takes_basis: bool = False
    takes_charge: bool = True
    labeller: Callable[[Method, Level, IntArray, FloatArray], Labeller]
    count_functions: Callable[[Method, Level, IntArray, FloatArray], int]
    settings: Callable[[Method, Level], dict[str, Any]]


@dataclass(frozen=True)
class Level:
    """A level of theory by its parts.

    Attributes:
        slug: `method[/basis]` as in `asteroid.labels.label_set`.
        program: what computes it.
        method: the method alone.
        basis: name of the basis, or "" where the method has none of its own.
    """

    slug: str
    program: Program
    method: str
    basis: str

    @property
    def formal_exponent(self) -> int:
        """Power k of cost ~ n^k, for n functions of the program."""
        return self.program.formal_exponents[self.method]
