"""What is usual: the distance that few held-out frames exceed, and what a committee's spread stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exported_methanol import bent, force_field, frames

from asteroid.deploy.calibration import calibrated


def test_few_held_out_frames_are_outside_and_the_spread_is_brought_to_the_error() -> None:
    known = frames(220)
    field = replace(force_field(), trained_on=known.select(np.arange(80)))
    held_out = known.select(np.arange(80, 220))
    assert field.is_outside(held_out.positions) is None
    assert field.expected_force_error(known.numbers, known.positions) is None
    told = calibrated(field, held_out)
    outside = told.is_outside(held_out.positions)
    assert outside is not None
    assert outside.mean() == pytest.approx(0.03, abs=0.02)
    far = told.is_outside(bent(held_out.positions, 0.3))
    assert far is not None
    assert far.mean() > 0.9
    expected = told.expected_force_error(held_out.numbers, held_out.positions)
    assert expected is not None
    assert expected.mean() == pytest.approx(field.card.error.force_mae_ev_ang)


def test_too_few_frames_tell_nothing_and_no_committee_no_error() -> None:
    field = force_field(1)
    assert calibrated(field, frames(29)).calibration is None
    told = calibrated(field, frames(60)).calibration
    assert told is not None
    assert told.error_per_spread is None
