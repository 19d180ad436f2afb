"""What a program that computes labels says of itself, and a level of theory by its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labels.label_set import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """A program and the levels that it computes.

    Attributes:
        name: what messages call it.
        module: the Python module that it is installed as.
        formal_exponents: its methods, each with k of cost ~ n^k for n functions (`count_functions`) once n is large.
            Textbook values (Helgaker, Jørgensen, Olsen, Molecular Electronic-Structure Theory, 2000); small molecules
            have smaller ones.
        packages: what must be installed for it, by names on PyPI.
        install: the command that installs it.
        of_positions_alone: whether a label depends on nothing but the atoms and their positions; a force field reads
            bonds off reference frames.
        takes_basis: whether a level names a basis beside the method.
        takes_charge: whether it knows of charges and unpaired electrons.
        labeller: makes a labeller from settings, level, atomic numbers [A] and reference frames [N, A, 3] in Å.
        labeller_of_steps: the same for steps of dynamics, where one may start from the one before; None: no difference.
        count_functions: what the cost grows with, from settings, level, atomic numbers and positions [A, 3] in Å.
        settings: what else decides about a label, as plain data for the sidecar of labels.
    """

    name: str
    module: str
    formal_exponents: Mapping[str, int]
    packages: tuple[str, ...]
    install: str = 'pip install "asteroid-study[labels]"'
    of_positions_alone: bool = True
    takes_basis: bool = False
    takes_charge: bool = True
    labeller: Callable[[Method, Level, IntArray, FloatArray], Labeller]
    labeller_of_steps: Callable[[Method, Level, IntArray], Labeller] | None = None
    count_functions: Callable[[Method, Level, IntArray, FloatArray], int]
    settings: Callable[[Method, Level], dict[str, Any]]

    @property
    def listed(self) -> tuple[str, ...]:
        """Its levels as messages list them."""
        return tuple(f"{name}/BASIS" if self.takes_basis else name for name in self.formal_exponents)


@dataclass(frozen=True)
class Level:
    """A level of theory by its parts.

    Attributes:
        slug: one part of a level, as in `asteroid.labels.level_names`.
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
