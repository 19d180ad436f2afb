"""Every architecture by its name; and models that cannot learn ten frames by heart have a fault or the wrong rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from asteroid.models.architectures import ARCHITECTURES, NAMED, settings_type
from asteroid.models.mlp import MLPSettings
from asteroid.models.painn import PaiNNSettings
from asteroid.training.fit_loop import fit_pack
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.network import NetworkSettings


def test_names_are_unique_and_lead_back() -> None:
    assert len({settings.architecture for settings in NAMED}) == len(NAMED)
    assert all(settings_type(settings.architecture) is settings for settings in NAMED)
    with pytest.raises(KeyError):
        settings_type("linear")


@pytest.mark.parametrize("settings", ARCHITECTURES, ids=lambda settings: settings.architecture)
def test_what_is_usual_makes_a_schedule(settings: type[NetworkSettings]) -> None:
    usual = settings.usual
    schedule = Schedule(usual.steps, usual.learning_rate, ema=usual.ema, batch_size=usual.batch_size)
    assert schedule.steps >= 1000
    assert 1e-4 <= schedule.learning_rate <= 0.03


@pytest.mark.parametrize(
    ("model", "rate", "steps"),
    [(MLPSettings(), 0.02, 400), (PaiNNSettings(hidden=24, layers=2), 0.01, 240)],
    ids=lambda value: getattr(value, "architecture", ""),
)
def test_ten_frames_are_learnt_by_heart(
    methanol_bank: FrameBank, model: NetworkSettings, rate: float, steps: int
) -> None:
    network, frames = model.network(methanol_bank.layout), methanol_bank.levels["ccsd_t/cc-pvdz"]
    rows = torch.arange(0, 60, 6)
    member = Member(
        parameters=network.initial_parameters(1),
        scaling=network.measure_scaling(frames, rows, frames.forces[rows]),
        train_rows=rows,
        val_rows=rows,
        train_weights=None,
        val_weights=None,
        schedule=Schedule(steps, rate, warmup_steps=10, ema=0.9, validations=4),
        batch_seed=0,
    )
    (fit,) = fit_pack(network, frames, [member])
    assert fit.val_error < 0.02 * float(frames.forces[rows].abs().mean())
