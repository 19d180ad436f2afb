"""Trainings that are interrupted and gone on with."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from asteroid.models.mlp import MLPSettings
from asteroid.stages.stage import Frames, NetworkStage, Seeds, StageResult
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.kinds import NetworkStageKind

ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"
SCHEDULE = Schedule(steps=24, learning_rate=5e-3, warmup_steps=8, validations=6)


def stage(
    bank: FrameBank, kind: NetworkStageKind, seed: int = 0, parents: tuple[str, ...] = (), **changes: object
) -> NetworkStage:
    level = CHEAP if kind == "pretrain" else ACCURATE
    hashes = tuple(bank.rows[level])
    return NetworkStage(
        kind=kind,
        descriptors=bank.layout.settings,
        model=MLPSettings(hidden=8),
        schedule=replace(SCHEDULE, **changes),
        train=Frames(level, hashes[:40]),
        val=Frames(level, hashes[40:50]),
        seeds=Seeds(0, seed, 0 if kind == "pretrain" else seed),
        parents=parents,
        gamma_rel=1.0 if kind == "pretrain" and parents else None,
    )


def bits(result: StageResult) -> tuple[object, ...]:
    tensors = result.model.tensors()
    told = (result.validation_curve, result.val_force_mae_ev_ang, result.energy_shift_ev, result.status)
    return (result.key, *told, *(tensors[name].numpy().tobytes() for name in sorted(tensors)))


@pytest.fixture(scope="module")
def teacher(methanol_bank: FrameBank) -> StageResult:
    return train_pack(methanol_bank, [stage(methanol_bank, "identify")], {})[0]


@pytest.mark.parametrize("kind", ["identify", "pretrain", "finetune", "residual"])
@pytest.mark.parametrize("rungs", [(8, None), (4, 12, 20, None), (5, 24)])
def test_an_interrupted_pack_ends_with_the_same_bits(
    methanol_bank: FrameBank, teacher: StageResult, kind: NetworkStageKind, rungs: tuple[int | None, ...]
) -> None:
    parents = () if kind == "identify" else (teacher.key,)
    specs = [stage(methanol_bank, kind, seed, parents, frozen_layers=seed == 1) for seed in (0, 1, 2)]
    known, share = {teacher.key: teacher.model}, kind == "pretrain"
    whole = train_pack(methanol_bank, specs, known, share_batches=share)
    parts: list[StageResult] = []
    seen: list[int] = []
    for until in rungs:
        parts = train_pack(
            methanol_bank,
            specs,
            known,
            share_batches=share,
            earlier=parts,
            until=until,
            on_validation=lambda step, _: seen.append(step),
        )
        if until not in (None, 24):
            assert all(part.interrupted is not None for part in parts)
    assert [bits(part) for part in parts] == [bits(one) for one in whole]
    assert all(part.interrupted is None for part in parts)
    assert seen == [4, 8, 12, 16, 20, 24], "each validation is told once"
    assert all(part.core_s > 0 for part in parts)


def test_who_leaves_does_not_change_the_others(methanol_bank: FrameBank) -> None:
    specs = [stage(methanol_bank, "identify", seed) for seed in range(5)]
    whole = train_pack(methanol_bank, specs, {})
    at_rung = train_pack(methanol_bank, specs, {}, until=8)
    kept = [0, 2, 3]
    rest = train_pack(methanol_bank, [specs[i] for i in kept], {}, earlier=[at_rung[i] for i in kept])
    for place, result in zip(kept, rest, strict=True):
        assert result.key == whole[place].key
        torch.testing.assert_close(result.model.parameters, whole[place].model.parameters, rtol=1e-5, atol=1e-5)
        assert result.val_force_mae_ev_ang == pytest.approx(whole[place].val_force_mae_ev_ang, rel=1e-4)


def test_a_divergence_before_the_interruption_is_remembered(methanol_bank: FrameBank) -> None:
    wild = stage(methanol_bank, "identify", learning_rate=1e30, warmup_steps=0)
    whole = train_pack(methanol_bank, [wild], {})[0]
    assert whole.status.startswith("loss not finite at step ")
    early = train_pack(methanol_bank, [wild], {}, until=8)
    late = train_pack(methanol_bank, [wild], {}, earlier=early)[0]
    assert (early[0].status, late.status) == (whole.status, whole.status)
    assert math.isnan(early[0].model.energy_shift_ev), "not to be predicted with"


def test_the_first_validation_comes_before_the_first_interruption(methanol_bank: FrameBank) -> None:
    spec = stage(methanol_bank, "identify")
    with pytest.raises(ValueError, match="first validation is at 4, found until 3"):
        train_pack(methanol_bank, [spec], {}, until=3)
    early = train_pack(methanol_bank, [spec], {}, until=8)
    with pytest.raises(ValueError, match="8 steps are done"):
        train_pack(methanol_bank, [spec], {}, earlier=early, until=8)
