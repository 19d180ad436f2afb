"""Force fields read the bonds once."""

from __future__ import annotations

import numpy as np
import pytest
from labellers import METHANOL, computed, labeller_of, slope

from asteroid.labelling.labeller import Method


@pytest.mark.parametrize("level", ["uff", "mmff94"])
def test_force_fields_read_the_bonds_once_and_hold_on_to_them(level: str) -> None:
    labeller = labeller_of(Method(level), METHANOL)
    label = computed(labeller, METHANOL.positions)
    for atom, axis in ((0, 0), (1, 1), (3, 2)):
        expected = -slope(labeller, METHANOL.positions, atom, axis, 1e-4)
        assert label.forces_ev_ang[atom, axis] == pytest.approx(expected, abs=1e-4)
    far = METHANOL.positions.copy()
    far[2] += 2.0  # a hydrogen pulled off still pulls back: bonds are not read again
    assert computed(labeller, far).energy_ev > label.energy_ev + 5
    again = computed(labeller, METHANOL.positions)
    assert again.energy_ev == label.energy_ev
    np.testing.assert_array_equal(again.forces_ev_ang, label.forces_ev_ang)
