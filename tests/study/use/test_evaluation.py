"""Errors on labels: planted ones are found, over all, by element, inside and outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exported_methanol import force_field, frames

from asteroid.deploy.calibration import calibrated
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet
from study.use.evaluation import evaluate_on

FIELD = calibrated(force_field(1), frames(60))


def labelled(forces_off: float = 0.1, energy_off: float = 0.5) -> LabelSet:
    known = frames(40)
    energy, forces = FIELD.predict(known.numbers, known.positions)
    forces = forces.copy()
    forces[:, 2:] += forces_off  # hydrogens
    return LabelSet(known.numbers, known.positions, energy + energy_off, forces, known.level)


def test_planted_errors_are_found() -> None:
    found = evaluate_on(FIELD, labelled())
    errors = found.errors.set_index("of")
    assert errors.loc["forces on H", "force_mae_ev_ang"] == pytest.approx(0.1)
    assert errors.loc["forces on O", "force_mae_ev_ang"] == pytest.approx(0.0, abs=1e-12)
    assert errors.loc["all frames", "force_mae_ev_ang"] == pytest.approx(0.1 * 4 / 6)
    assert errors.loc["all frames", "force_rmse_ev_ang"] == pytest.approx(0.1 * np.sqrt(4 / 6))
    assert errors.loc["all frames", "energy_mae_ev"] == pytest.approx(0.5)
    assert errors.loc["all frames", "energy_mae_shifted_ev"] == pytest.approx(0.0, abs=1e-9)
    assert errors.loc["frames inside", "n_frames"] + (found.frames["outside"].sum()) == 40
    assert len(found.components) == 40 * 18


def test_labels_of_another_level_or_without_forces_are_refused() -> None:
    with pytest.raises(InputError, match=r"stands for ccsd_t/cc-pvdz, found labels of mp2/cc-pvdz"):
        evaluate_on(FIELD, replace(labelled(), level="mp2/cc-pvdz"))
    with pytest.raises(InputError, match="energies and forces"):
        evaluate_on(FIELD, frames(3))
