from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from methanol_stages import ACCURATE, CHEAP, MODEL, SCHEDULE, some

from asteroid.stages import network_stage
from asteroid.stages.stage import NetworkStage, Seeds
from asteroid.stages.train import train_pack

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from asteroid.training.objective import Member


@pytest.fixture(scope="module")
def identify(methanol_bank: FrameBank) -> NetworkStage:
    return NetworkStage(
        kind="identify",
        descriptors=methanol_bank.layout.settings,
        model=MODEL,
        schedule=SCHEDULE,
        train=some(methanol_bank, ACCURATE, 0, 48),
        val=some(methanol_bank, ACCURATE, 48, 60),
        seeds=Seeds(0, 10, 20),
    )


@pytest.fixture(scope="module")
def teacher(methanol_bank: FrameBank, identify: NetworkStage) -> StageResult:
    return train_pack(methanol_bank, [identify], {})[0]


@pytest.fixture(scope="module")
def pretrain(methanol_bank: FrameBank, identify: NetworkStage) -> NetworkStage:
    """Without weights and without a parent."""
    train, val = some(methanol_bank, CHEAP, 20, 180), some(methanol_bank, CHEAP, 180, 200)
    return replace(identify, kind="pretrain", train=train, val=val, seeds=Seeds(0, 11, 21))


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    """What the fit loop is given, in order of the calls."""
    seen: list[Member] = []
    fit_pack = network_stage.fit_pack

    def spy(*arguments: object, **named: object) -> object:
        seen.extend(arguments[2])
        return fit_pack(*arguments, **named)

    monkeypatch.setattr(network_stage, "fit_pack", spy)
    return seen
