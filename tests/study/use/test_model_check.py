"""A model beside a level of theory: with itself it agrees, with another it does not, and its energy is conserved."""

from __future__ import annotations

import math

import pytest
from springs_force_field import springs_force_field

from study.use.model_check import check_model, model_labeller, nve_drift

FIELD = springs_force_field()
NUMBERS, X = FIELD.trained_on.numbers, FIELD.trained_on.positions[3]


def test_a_model_beside_itself_and_beside_xtb(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = check_model(FIELD, NUMBERS, X, None)
    assert alone.reference is None
    assert math.isnan(alone.frequency_mae)
    counted = []
    beside = check_model(FIELD, NUMBERS, X, "gfn2-xtb", lambda: counted.append(1))
    assert len(counted) == 36
    assert beside.frequency_mae > 50
    assert beside.reference is not None
    monkeypatch.setattr("study.use.model_check.open_labeller", lambda *_: model_labeller(FIELD, NUMBERS))
    same = check_model(FIELD, NUMBERS, X, "gfn2-xtb")
    assert same.frequency_mae == pytest.approx(0.0, abs=0.5)
    assert same.rmsd_ang == pytest.approx(0.0, abs=1e-3)


def test_energy_is_conserved() -> None:
    assert abs(nve_drift(FIELD, NUMBERS, X, 50.0)) < 5
