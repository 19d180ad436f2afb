"""Labels of extended tight binding, by tblite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.units import Bohr, Hartree

from asteroid.labelling.labeller import NotConvergedError
from asteroid.labelling.program import Program

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Labeller
    from asteroid.labels.label_set import FloatArray, IntArray

#: Names that tblite has for the methods.
XTB = {"gfn1-xtb": "GFN1-xTB", "gfn2-xtb": "GFN2-xTB", "ipea1-xtb": "IPEA1-xTB"}


def xtb_labeller(method: str, numbers: IntArray, charge: int, unpaired: int, max_cycle: int) -> Labeller:
    """Label geometries with a GFN-xTB method (Bannwarth et al., J. Chem. Theory Comput. 15, 1652 (2019)).

    Every geometry starts from the same guess, never from its predecessor's charges: a label then depends on its own
    geometry alone, and a trajectory that is continued repeats the arithmetic of the uninterrupted one.

    Args:
        method: gfn1-xtb, gfn2-xtb or ipea1-xtb.
        numbers: atomic numbers [A].
        charge: total charge.
        unpaired: number of unpaired electrons.
        max_cycle: iterations of the charges.
    """
    from tblite.exceptions import TBLiteRuntimeError
    from tblite.interface import Calculator

    def label(positions: FloatArray) -> tuple[float, FloatArray]:
        calculator = Calculator(XTB[method], numbers, positions / Bohr, charge=float(charge), uhf=unpaired)
        calculator.set("verbosity", 0)
        calculator.set("max-iter", max_cycle)
        try:
            result = calculator.singlepoint()
        except TBLiteRuntimeError as error:
            raise NotConvergedError(f"{XTB[method]}: {error}") from error
        return float(result.get("energy")) * Hartree, -result.get("gradient") * (Hartree / Bohr)

    return label


def xtb_orbitals(method: str, numbers: IntArray, positions: FloatArray, charge: int, unpaired: int) -> int:
    """Number of basis functions of the method's own minimal basis."""
    from tblite.interface import Calculator

    calculator = Calculator(XTB[method], numbers, positions / Bohr, charge=float(charge), uhf=unpaired)
    calculator.set("verbosity", 0)
    return len(calculator.singlepoint().get("orbital-energies").reshape(-1))


PROGRAM = Program(
    name="tblite",
    module="tblite",
    packages=("tblite",),
    formal_exponents=dict.fromkeys(XTB, 3),  # the diagonalisation
    labeller=lambda method, level, numbers, _: xtb_labeller(
        level.method, numbers, method.charge, method.unpaired, method.max_cycle
    ),
    count_functions=lambda method, level, numbers, positions: xtb_orbitals(
        level.method, numbers, positions, method.charge, method.unpaired
    ),
    settings=lambda method, _: {"max_cycle": method.max_cycle},
)
