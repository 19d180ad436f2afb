"""Extended tight binding: every geometry starts from the same guess, charges and spins reach the program."""

from __future__ import annotations

import numpy as np
import pytest
from labellers import WATER

from asteroid.labelling.labeller import NotConvergedError
from asteroid.labelling.xtb_labeller import xtb_labeller, xtb_orbitals


def test_an_ion_is_another_molecule_and_forces_add_up_to_zero() -> None:
    neutral, cation = (xtb_labeller("gfn2-xtb", WATER.numbers, charge, charge, 250) for charge in (0, 1))
    energy, forces = neutral(WATER.positions)
    # Water's 12.6 eV, and the 4.85 eV by which the program xtb lowers ionisation energies of this method afterwards.
    assert cation(WATER.positions)[0] - energy == pytest.approx(12.6 + 4.85, abs=1.0)
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-6)
    assert neutral(WATER.positions)[0] == energy


def test_too_few_iterations_are_no_label() -> None:
    with pytest.raises(NotConvergedError, match="GFN1-xTB"):
        xtb_labeller("gfn1-xtb", WATER.numbers, 0, 0, 2)(WATER.positions)


def test_orbitals_of_the_minimal_basis() -> None:
    assert xtb_orbitals("gfn2-xtb", WATER.numbers, WATER.positions, 0, 0) == 6
