"""Predictions of a file: written in two formats, never as labels, as the force field gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase.io
import numpy as np
import pytest
from exported_methanol import force_field, frames

from asteroid.deploy.calibration import calibrated
from asteroid.errors import InputError
from study.use.predictions import predict_frames, write_predictions

if TYPE_CHECKING:
    from pathlib import Path


def test_both_formats_hold_what_was_predicted(tmp_path: Path) -> None:
    field = calibrated(force_field(), frames(60))
    found = predict_frames(field, frames(7))
    energy, forces = field.predict(frames().numbers, frames(7).positions)
    assert np.array_equal(found.energy, energy)
    for name in ("out.npz", "out.xyz"):
        write_predictions(found, tmp_path / name)
    with np.load(tmp_path / "out.npz") as stored:
        assert np.array_equal(stored["F"], forces)
        assert np.array_equal(stored["F_spread"], found.forces_spread)
        assert stored["outside"].dtype == np.bool_
    read = ase.io.read(tmp_path / "out.xyz", ":")
    assert [atoms.get_potential_energy() for atoms in read] == energy.tolist()
    assert np.array_equal(read[3].get_forces(), forces[3])
    assert "REF_" not in (tmp_path / "out.xyz").read_text()


def test_without_a_committee_there_is_no_spread(tmp_path: Path) -> None:
    for found in (predict_frames(force_field(1), frames(3)), predict_frames(force_field(), frames(3), spread=False)):
        assert found.forces_spread is None
        assert found.outside is None
    write_predictions(found, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as stored:
        assert "F_spread" not in stored


def test_names_that_are_not_written_to(tmp_path: Path) -> None:
    found = predict_frames(force_field(1), frames(1))
    with pytest.raises(InputError, match=r"choose such an ending"):
        write_predictions(found, tmp_path / "out.csv")
    with pytest.raises(InputError, match="found none named"):
        write_predictions(found, tmp_path / "nowhere" / "out.npz")
