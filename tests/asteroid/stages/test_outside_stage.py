"""Stages that a program of its own trains: a real one, in a process of its own."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import outside_trainer
import pytest
import torch
from methanol_stages import ACCURATE

from asteroid.errors import InputError
from asteroid.models.outside.model import OutsideModel
from asteroid.models.outside.settings import CommandSettings
from asteroid.models.predict import predict_models
from asteroid.models.trained import model_from_tensors
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.train import train_pack

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import NetworkStage, StageResult

PROGRAM = f"{sys.executable} -W error {outside_trainer.__file__}"
MODEL = CommandSettings(
    train=f"{PROGRAM} train {{train}} {{valid}} {{model}}",
    predict=f"{PROGRAM} predict {{model}} {{frames}} {{predictions}}",
    finetune=f"{PROGRAM} train {{train}} {{valid}} {{model}} {{start}}",
    energy_key="my_energy",
    forces_key="my_forces",
    time_limit="1min",
)


@pytest.fixture(scope="module")
def outside(identify: NetworkStage) -> NetworkStage:
    return replace(identify, model=MODEL)


@pytest.fixture(scope="module")
def trained(methanol_bank: FrameBank, outside: NetworkStage) -> StageResult:
    return train_pack(methanol_bank, [outside], {})[0]


def test_a_stage_is_trained_and_judged_by_its_programs(
    methanol_bank: FrameBank, outside: NetworkStage, trained: StageResult
) -> None:
    frames = methanol_bank.levels[ACCURATE]
    assert trained.key == outside.key
    assert trained.spec["model"]["architecture"] == "command"
    assert trained.status == "ok"
    assert trained.core_s > 0.2, "the seconds of programs count"
    assert trained.cuda_s == 0.0
    rows = torch.arange(48, 60)
    found = predict_models(methanol_bank, ACCURATE, rows, [trained.model])
    error = float((found.forces[0] - frames.forces[rows]).abs().mean())
    assert trained.val_force_mae_ev_ang == pytest.approx(error)
    assert trained.validation_curve == ((outside.steps, pytest.approx(error)),)
    assert error < 0.3 * float(frames.forces[rows].abs().mean()), "it learns"
    assert trained.train_force_mae_ev_ang is not None
    assert trained.train_force_mae_ev_ang < error
    off = found.energy[0] - frames.energy[rows]
    assert abs(float(off.mean())) < 2 * float(off.std()), "energies have the level's zero"


def test_the_file_is_kept_whole_and_the_time_limit_is_no_part_of_the_key(
    outside: NetworkStage, trained: StageResult
) -> None:
    model = trained.model
    assert isinstance(model, OutsideModel)
    again = model_from_tensors(MODEL, model.tensors())
    assert isinstance(again, OutsideModel)
    assert torch.equal(again.content, model.content)
    assert again.zero == model.zero
    assert replace(outside, model=replace(MODEL, time_limit="2d")).key == outside.key
    assert replace(outside, model=replace(MODEL, hidden=8)).key != outside.key


def test_finetuning_goes_on_with_the_parents_file_and_residuals_add_to_it(
    methanol_bank: FrameBank, outside: NetworkStage, trained: StageResult
) -> None:
    parents = {trained.key: trained.model}
    few = replace(outside, train=replace(outside.train, hashes=outside.train.hashes[:3]))
    kinds = ("identify", "finetune", "residual")
    specs = [replace(few, kind=kind, parents=() if kind == "identify" else (trained.key,)) for kind in kinds]
    alone, finetuned, residual = (train_pack(methanol_bank, [spec], parents)[0] for spec in specs)
    assert finetuned.val_force_mae_ev_ang < 0.8 * alone.val_force_mae_ev_ang
    assert residual.train_force_mae_ev_ang < 0.8 * trained.train_force_mae_ev_ang
    rows = torch.arange(48, 60)
    together = predict_chain(methanol_bank, ACCURATE, rows, specs[2:], parents | {residual.key: residual.model})
    parts = predict_models(methanol_bank, ACCURATE, rows, [trained.model, residual.model])
    torch.testing.assert_close(together.forces[0], parts.forces.sum(0))


def test_weights_reach_the_program(
    methanol_bank: FrameBank, pretrain: NetworkStage, trained: StageResult, tmp_path: Path
) -> None:
    copying = f"sh -c 'cp {{train}} {{settings}} {tmp_path} && {MODEL.train}'"
    fewer = replace(pretrain.train, hashes=pretrain.train.hashes[:40])
    first = replace(pretrain, train=fewer, model=replace(MODEL, train=copying), parents=(trained.key,), gamma_rel=1.0)
    result = train_pack(methanol_bank, [first], {trained.key: trained.model})[0]
    assert result.gamma_ev_ang is not None
    assert 1 < result.effective_sample < 40
    assert result.train_force_mae_ev_ang is None, "it says nothing of accurate labels"
    weights = [
        float(word.split("=")[1]) for word in (tmp_path / "train.xyz").read_text().split() if "config_weight" in word
    ]
    assert len(weights) == 40
    assert np.mean(weights) == pytest.approx(1.0, abs=1e-5)
    told = json.loads((tmp_path / "settings.json").read_text())
    assert told["steps"] == first.schedule.steps
    assert told["learning_rate"] == first.schedule.learning_rate
    assert told["seed"] == 11
    assert Path(told["train"]).name == "train.xyz"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train": "true {train}"},
            "true must write its model to model, found no such file: name {model} in the command",
        ),
        ({"train": "sh -c 'exit 4' {train}"}, "sh must exit with 0, found 4"),
        ({"train": "sleep 30 {train}", "time_limit": "0.2s"}, "sleep must"),
        ({"predict": "true {model} {frames} {predictions}"}, "true must write predictions.xyz, found no such file"),
        (
            {"predict": MODEL.predict + " nan"},
            r"must predict finite energies and forces, found others for 1 of 60 frames",
        ),
        ({"predict": MODEL.predict + " moved"}, "must predict the geometries that it is given"),
        ({"predict": MODEL.predict + " shape"}, "labels of predictions.xyz|my_forces|forces"),
    ],
)
def test_what_a_command_does_wrong_is_said_in_one_line(
    methanol_bank: FrameBank,
    outside: NetworkStage,
    trained: StageResult,
    changes: dict[str, str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if "predict" in changes:  # one that is trained already, to save its seconds
        kept = trained.model.tensors()["content"].numpy().tobytes()
        (tmp_path / "kept").write_bytes(kept)
        changes = {"train": f"sh -c 'cp {tmp_path}/kept {{model}}' {{train}}", **changes}
    with pytest.raises(InputError, match=message) as refusal:
        train_pack(methanol_bank, [replace(outside, model=replace(MODEL, **changes))], {})
    assert str(tmp_path / "outside-") in str(refusal.value), "the message says where the files are"


def test_it_cannot_be_interrupted(methanol_bank: FrameBank, outside: NetworkStage) -> None:
    with pytest.raises(ValueError, match="cannot be interrupted"):
        train_pack(methanol_bank, [outside], {}, until=5)
