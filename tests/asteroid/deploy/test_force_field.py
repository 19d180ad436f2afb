"""A force field with its committee: who predicts, who tells the spread, what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exported_methanol import force_field, frames
from springs_force_field import springs_force_field


def test_the_model_predicts_and_the_committee_tells_the_spread() -> None:
    field, known = force_field(4), frames(5)
    alone = field.model.energy_and_forces(known.numbers, known.positions)
    assert np.array_equal(field.predict(known.numbers, known.positions)[1], alone[1])
    spread = field.spread(known.numbers, known.positions)
    assert spread is not None
    members = np.array([m.energy_and_forces(known.numbers, known.positions)[1] for m in field.committee])
    assert spread.forces == pytest.approx(members.std(axis=0, ddof=1))
    assert field.is_outside(known.positions) is None
    assert field.expected_force_error(known.numbers, known.positions) is None
    one = replace(field, committee=field.committee[:1])
    assert one.spread(known.numbers, known.positions) is None


def test_a_model_without_descriptors_has_a_region_all_the_same() -> None:
    field = springs_force_field(9.0, 11.0)
    assert field.model.layout is None
    outside = field.is_outside(field.trained_on.positions)
    assert outside is not None
    assert outside.mean() < 0.2
