"""A step that finds everything on the device takes the way of the eager one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from difference_stages import ACCURATE, CHEAP, SCHEDULE, bank, some

from asteroid.models.mlp import MLPSettings
from asteroid.training.captured_step import DeviceStep
from asteroid.training.fit_loop import fit_pack
from asteroid.training.objective import Member

NETWORK = MLPSettings(hidden=8).network(bank().layout)
SHORT = replace(SCHEDULE, steps=12, validations=3, batch_size=5)


def members(level: str, *, kt_ev: float | None = None) -> list[Member]:
    """Three models with rates, weights, frozen layers and seeds of their own."""
    frames = bank().levels[level]
    train, val = (bank().rows_of(level, some(level, *cut).hashes) for cut in ((0, 40), (40, 50)))
    forces = torch.ones_like(frames.forces[train]) if kt_ev else frames.forces[train]
    made = Member(
        parameters=NETWORK.initial_parameters(0),
        scaling=NETWORK.measure_scaling(frames, train, forces),
        train_rows=train,
        val_rows=val,
        train_weights=None,
        val_weights=None,
        schedule=SHORT,
        batch_seed=0,
        kt_ev=kt_ev,
    )
    weighted = None if kt_ev else torch.linspace(0.5, 1.5, 40)
    return [
        made,
        replace(made, batch_seed=1, schedule=replace(SHORT, learning_rate=2e-3, ema=0.5, clip_norm=1.0)),
        replace(made, train_weights=weighted, schedule=replace(SHORT, frozen_layers=1, rho=0.9)),
    ]


@pytest.mark.parametrize("case", ["labels", "scores"])
def test_it_ends_where_the_eager_one_does(case: str) -> None:
    level, pack = (ACCURATE, members(ACCURATE)) if case == "labels" else (CHEAP, members(CHEAP, kt_ev=0.04))
    eager = fit_pack(NETWORK, bank().levels[level], pack, steps_as="eager")
    fits = fit_pack(NETWORK, bank().levels[level], pack, steps_as="device")
    for own, other in zip(fits, eager, strict=True):
        torch.testing.assert_close(own.parameters, other.parameters)
        assert own.val_error == pytest.approx(other.val_error, rel=1e-5)


def test_it_goes_on_where_it_was_interrupted() -> None:
    frames, pack = bank().levels[ACCURATE], members(ACCURATE)
    whole = fit_pack(NETWORK, frames, pack, steps_as="device")
    part = fit_pack(NETWORK, frames, pack, steps_as="device", until=5)
    rest = fit_pack(NETWORK, frames, pack, steps_as="device", earlier=part)
    for own, other in zip(rest, whole, strict=True):
        assert torch.equal(own.parameters, other.parameters)


def test_what_cannot_be_captured_is_stepped_through_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def captured(_: DeviceStep) -> None:
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    frames, pack = bank().levels[ACCURATE], members(ACCURATE)[:1]
    eager = fit_pack(NETWORK, frames, pack, steps_as="eager")
    monkeypatch.setattr(DeviceStep, "captured", captured)
    with pytest.warns(UserWarning, match="one by one, .*: operation not permitted when stream is capturing$"):
        fits = fit_pack(NETWORK, frames, pack, steps_as="graph")
    assert torch.equal(fits[0].parameters, eager[0].parameters)
