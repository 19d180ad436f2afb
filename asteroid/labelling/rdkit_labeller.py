"""Labels of classical force fields, by RDKit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.program import Program
from asteroid.labels.sites import bonds
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    from typing import Any

    from asteroid.labelling.labeller import Labeller
    from asteroid.labels.label_set import FloatArray, IntArray

#: Names that RDKit has for the methods.
FORCE_FIELDS = {"uff": "UFF", "mmff94": "MMFF94"}
#: Pairs farther apart than this are left out, as a multiple of their van der Waals minimum (UFF) or in Å (MMFF94). The
#: list of pairs is made once, so none may be missing from it: all pairs count.
_ALL_PAIRS = 1e4


def force_field_labeller(method: str, numbers: IntArray, reference: FloatArray) -> Labeller:
    """Label geometries with UFF (Rappé et al., 1992) or MMFF94 (Halgren, 1996).

    The bonds are read once, off the reference frames (`asteroid.labels.sites.bonds`), and hold for all geometries.

    Args:
        method: uff or mmff94.
        numbers: atomic numbers [A].
        reference: frames [N, A, 3] in Å.

    Raises:
        InputError: RDKit finds no bond orders for these bonds, or the force field lacks a parameter.
    """
    from rdkit import rdBase

    with rdBase.BlockLogs():
        force_field = _force_field(method, _molecule(numbers, reference), numbers)

    def label(positions: FloatArray) -> tuple[float, FloatArray]:
        flat = positions.ravel().tolist()
        energy = float(force_field.CalcEnergy(flat)) * KCAL_PER_MOL_EV
        gradient = np.array(force_field.CalcGrad(flat)).reshape(positions.shape)
        return energy, -gradient * KCAL_PER_MOL_EV

    return label


def _molecule(numbers: IntArray, reference: FloatArray) -> Any:
    from rdkit import Chem
    from rdkit.Chem import rdDetermineBonds

    molecule = Chem.RWMol()
    for number in numbers.tolist():
        atom = Chem.Atom(number)
        atom.SetNoImplicit(True)
        molecule.AddAtom(atom)
    for i, j in bonds(numbers, reference):
        molecule.AddBond(i, j, Chem.BondType.SINGLE)
    conformer = Chem.Conformer(len(numbers))
    conformer.SetPositions(np.ascontiguousarray(reference[0], dtype=np.float64))
    molecule.AddConformer(conformer)
    if len(numbers) > 1:
        try:
            rdDetermineBonds.DetermineBondOrders(molecule, charge=0)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"a force field needs bond orders, RDKit finds none for this molecule ({reason}): choose "
                "gfn2-xtb, or check the first geometry"
            ) from error
    Chem.SanitizeMol(molecule)
    return molecule


def _force_field(method: str, molecule: Any, numbers: IntArray) -> Any:
    from rdkit.Chem import rdForceFieldHelpers

    name = FORCE_FIELDS[method]
    found = None
    if method == "uff":
        if rdForceFieldHelpers.UFFHasAllMoleculeParams(molecule):
            found = rdForceFieldHelpers.UFFGetMoleculeForceField(
                molecule, vdwThresh=_ALL_PAIRS, ignoreInterfragInteractions=False
            )
    elif rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        found = rdForceFieldHelpers.MMFFGetMoleculeForceField(
            molecule,
            rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule, mmffVariant="MMFF94"),
            nonBondedThresh=_ALL_PAIRS,
            ignoreInterfragInteractions=False,
        )
    if found is None:
        elements = ", ".join(map(str, sorted(set(numbers.tolist()))))
        raise InputError(
            f"{name} lacks a parameter for this molecule (atomic numbers {elements}): choose gfn2-xtb or another level"
        )
    found.Initialize()
    return found


PROGRAM = Program(
    name="RDKit",
    module="rdkit",
    packages=("rdkit",),
    of_positions_alone=False,
    formal_exponents=dict.fromkeys(FORCE_FIELDS, 2),  # their pairs of atoms
    takes_charge=False,
    labeller=lambda _, level, numbers, reference: force_field_labeller(level.method, numbers, reference),
    count_functions=lambda _, __, numbers, ___: len(numbers),
    settings=lambda _, __: {},
)
