"""Labels of any ASE calculator, named by the import path of a function that makes one; labels as an ASE calculator."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculatorError

from asteroid.errors import InputError
from asteroid.import_path import load_factory
from asteroid.labelling.labeller import NotConvergedError
from asteroid.labelling.program import Program

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labelling.program import Level
    from asteroid.labels.label_set import FloatArray, IntArray


def ase_labeller(method: Method, numbers: IntArray, *, each_anew: bool = True) -> Labeller:
    """Label geometries with a calculator of the user's.

    Many calculators start from what they found at the last geometry. A label would then depend on the order of
    labelling, on the number of workers and on kills: so each geometry has a calculator of its own.

    Charge and unpaired electrons are in the `info` of the atoms as `charge` and `spin`; what the calculator makes of
    them is its own business.

    Args:
        method: with the import path of a function that makes a calculator.
        numbers: atomic numbers [A].
        each_anew: a calculator for each geometry; else one for all, as steps of dynamics want it.

    Raises:
        InputError: the calculator cannot be imported or made.
    """
    factory = load_factory(method.calculator or "", method.calculator_folder, "an ASE calculator")
    try:
        calculator = factory()
    except Exception as error:  # somebody else's code
        raise InputError(
            f"{method.calculator} must return an ASE calculator, it raised {type(error).__name__} "
            f"({' '.join(str(error).split())[:200]}): repair it"
        ) from error
    if not hasattr(calculator, "get_potential_energy"):
        raise InputError(
            f"{method.calculator} must return an ASE calculator, found {type(calculator).__name__}: return one"
        )

    unused = [calculator]

    def label(positions: FloatArray) -> tuple[float, FloatArray | None]:
        atoms: Any = Atoms(numbers, positions, info={"charge": method.charge, "spin": method.unpaired})
        atoms.calc = (unused.pop() if unused else factory()) if each_anew else calculator
        try:
            if method.energies_alone:
                return float(atoms.get_potential_energy()), None
            return float(atoms.get_potential_energy()), np.array(atoms.get_forces(), dtype=np.float64)
        except CalculatorError as error:  # SCFError among them
            raise NotConvergedError(f"{type(error).__name__}: {error}") from error

    return label


@cache
def program_of(path: str) -> Program:
    """What is known of a calculator whose import path is its level; its cost counts as linear in the atoms."""
    return Program(
        name=f"the calculator {path}",
        module="ase",
        packages=(),
        formal_exponents={path: 1},
        labeller=lambda method, level, numbers, _: ase_labeller(_named(method, level), numbers),
        labeller_of_steps=lambda method, level, numbers: ase_labeller(_named(method, level), numbers, each_anew=False),
        count_functions=lambda _method, _level, numbers, _positions: len(numbers),
        settings=lambda _method, level: {"calculator": level.slug},
    )


def _named(method: Method, level: Level) -> Method:
    folder = method.calculator_folder or str(Path.cwd())
    return replace(method, level=level.slug, calculator=level.slug, calculator_folder=folder)


class LabellerCalculator:
    """A labeller as what ASE's dynamics wants of a calculator; the latest label is kept, with its CPU seconds.

    Attributes:
        cpu_s: CPU seconds of the latest label.
    """

    def __init__(self, labeller: Labeller) -> None:
        self._labeller = labeller
        self._at: FloatArray | None = None
        self._label: tuple[float, FloatArray | None] = (0.0, None)
        self.cpu_s = 0.0

    def get_potential_energy(self, atoms: Any, force_consistent: bool = False) -> float:
        """Energy in eV."""
        del force_consistent
        return self._at_positions(atoms.positions)[0]

    def get_forces(self, atoms: Any) -> FloatArray:
        """Forces in eV/Å, shape [A, 3]."""
        forces = self._at_positions(atoms.positions)[1]
        assert forces is not None  # dynamics needs them
        return forces.copy()

    def _at_positions(self, positions: FloatArray) -> tuple[float, FloatArray | None]:
        if not np.isfinite(positions).all():  # programs may hang or crash on these
            raise NotConvergedError("the positions are no numbers any more")
        if self._at is None or not np.array_equal(self._at, positions):
            began = time.process_time()
            self._label = self._labeller(positions)
            self.cpu_s = time.process_time() - began
            self._at = positions.copy()
        return self._label
