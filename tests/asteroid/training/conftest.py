from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from asteroid.models.mlp import MLPSettings, measure_scaling
from asteroid.models.mlp_parameters import initial_parameters
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameBank, FrameTensors

    Make = Callable[..., Member]

SETTINGS = MLPSettings(hidden=16)
SHORT = Schedule(steps=20, learning_rate=3e-3, warmup_steps=5, validations=4)


@pytest.fixture(scope="module")
def accurate(methanol_bank: FrameBank) -> FrameTensors:
    return methanol_bank.levels["ccsd_t/cc-pvdz"]


@pytest.fixture(scope="module")
def cheap(methanol_bank: FrameBank) -> FrameTensors:
    return methanol_bank.levels["gfn2-xtb"]


@pytest.fixture(scope="module")
def make(methanol_bank: FrameBank) -> Make:
    def member(
        frames: FrameTensors,
        *,
        train: range = range(48),
        val: range = range(48, 60),
        init: int = 0,
        batches: int = 0,
        train_weights: Tensor | None = None,
        val_weights: Tensor | None = None,
        schedule: Schedule = SHORT,
        **changes: object,
    ) -> Member:
        rows = torch.tensor(train)
        layout = methanol_bank.layout
        return Member(
            parameters=initial_parameters(layout, SETTINGS, init),
            scaling=measure_scaling(layout, frames.descriptors[rows], frames.forces[rows]),
            train_rows=rows,
            val_rows=torch.tensor(val),
            train_weights=train_weights,
            val_weights=val_weights,
            schedule=replace(schedule, **changes),
            batch_seed=batches,
        )

    return member
