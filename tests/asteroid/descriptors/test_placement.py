"""Stages of all kinds and models train and predict where their frames lie, and come out as on the CPU."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
import torch
from difference_stages import ACCURATE, BASE, CHEAP, SCORE, bank, everything, parent, some, stage
from pretended_device import ELSEWHERE, PretendedDevice

from asteroid.descriptors.placement import bank_on
from asteroid.models.schnet import SchNetSettings
from asteroid.stages.evaluation import evaluate
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import Frames
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank

SHORT = Schedule(steps=2, learning_rate=1e-2, warmup_steps=1, ema=0.9, batch_size=4, validations=2)
SCHNET = SchNetSettings(hidden=8, layers=1, n_gaussians=8)
#: What is told of the schedule, the parents and the kind; the parent is trained when it is asked for.
STAGES = {
    "identify": {},
    "weighted": {"kind": "pretrain", "gamma_rel": 1.0},
    "score_match": {"kind": "score_match", "score": SCORE},
    "finetune": {"kind": "finetune", "schedule": replace(SHORT, frozen_layers=1)},
    "residual": {"kind": "residual"},
    "schnet": {"model": SCHNET},
    "kernel": {
        "kind": "kernel",
        "train": some(ACCURATE, 0, 8),
        "val": some(ACCURATE, 8, 12),
        "base": Frames(CHEAP, BASE.hashes[:12]),
    },
    "streamed": {},
}


@cache
def elsewhere() -> FrameBank:
    with PretendedDevice():
        return bank_on(bank(), ELSEWHERE)


def without_jacobians(of: FrameBank) -> FrameBank:
    return replace(of, levels={n: replace(f, descriptors=None, jacobians=None) for n, f in of.levels.items()})


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_trains_and_predicts_where_the_frames_lie(name: str) -> None:
    changes = dict(STAGES[name])
    if name in ("weighted", "finetune", "residual"):
        changes["parents"] = (parent().key,)
    if name != "kernel":
        changes = {"schedule": SHORT} | changes
    spec = stage(**changes)
    here, there = (without_jacobians(own) if name == "streamed" else own for own in (bank(), elsewhere()))
    pack, known = [spec, spec] if name == "identify" else [spec], {parent().key: parent().model}
    level = ACCURATE if spec.base is not None else CHEAP

    def errors(of: FrameBank) -> tuple[dict[str, torch.Tensor], list[float]]:
        result = train_pack(of, pack, known)[-1]
        rows = everything(level)[:6].to(of.levels[level].device)
        found = predict_chain(of, level, rows, [spec], {**known, spec.key: result.model})
        (judged,) = evaluate(found, of.levels[level], rows)
        return result.model.tensors(), [result.val_force_mae_ev_ang, judged.force_mae_ev_ang, judged.energy_mae_ev]

    expected = errors(here)
    with PretendedDevice():
        found = errors(there)
    for tensor, other in zip(found[0].values(), expected[0].values(), strict=True):
        assert tensor.device.type == "cpu"
        torch.testing.assert_close(tensor, other)
    assert found[1] == pytest.approx(expected[1], nan_ok=True)


def test_an_interrupted_stage_goes_on_elsewhere() -> None:
    spec = stage(schedule=SHORT)
    (whole,) = train_pack(bank(), [spec], {})
    with PretendedDevice():
        part = train_pack(elsewhere(), [spec], {}, until=1)
        (result,) = train_pack(elsewhere(), [spec], {}, earlier=part)
    assert part[0].interrupted.checkpoint.parameters.device.type == "cpu"
    torch.testing.assert_close(result.model.parameters, whole.model.parameters)


def test_devices_do_not_mix_on_the_pretended_one() -> None:
    with PretendedDevice():
        there = elsewhere().levels[CHEAP]
        with pytest.raises(RuntimeError, match="others elsewhere"):
            _ = there.forces + torch.zeros(18)
        with pytest.raises(TypeError, match="NumPy sees no tensor"):
            there.forces.numpy()
