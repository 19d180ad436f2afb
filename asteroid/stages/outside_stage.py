"""The stage that a program of its own trains: files out, a model and predictions back."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from asteroid.errors import InputError
from asteroid.models.energy_zero import fit_zero
from asteroid.models.outside.frames import write_frames
from asteroid.models.outside.model import OutsideModel
from asteroid.models.outside.program import run_program, work_folder
from asteroid.models.outside.settings import NUMBERS, CommandSettings, filled
from asteroid.models.predict import predict_models
from asteroid.stages.bias_weights import effective_sample, sample_warnings, weightings_of
from asteroid.stages.difference import subtracted_labels
from asteroid.stages.stage import StageResult, useless_warnings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.frame_bank import FrameBank, FrameTensors
    from asteroid.models.energy_zero import EnergyZero
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import NetworkStage
    from asteroid.training.fit_loop import OnValidation

#: Trained frames that a training error and the zero of energy are taken from.
_TRAINING_FRAMES = 256
#: Many programs take seeds of 32 bits only.
_SEEDS = 2**31


def train_outside(
    bank: FrameBank,
    spec: NetworkStage,
    parents: Mapping[str, TrainedModel],
    on_validation: OnValidation | None = None,
) -> StageResult:
    """Train one stage by its command, in one go; arguments and result are those of `asteroid.stages.train.train_pack`.

    Its seconds are those of the programs that it starts, and its own.

    Raises:
        InputError: a command fails, takes too long, writes no model, or does not predict the frames it is given.
        ValueError: a temperature without a parent or not finite.
    """
    settings = spec.model
    assert isinstance(settings, CommandSettings)
    began_s, began_wall_s = _cpu_s(), os.times().elapsed
    frames = bank.levels[spec.train.level]
    rows = bank.rows_of(spec.train.level, spec.train.hashes), bank.rows_of(spec.val.level, spec.val.hashes)
    (weighting,) = weightings_of(bank, [spec], [rows], parents)
    base = subtracted_labels(bank, spec, torch.cat(rows), parents)
    energy, forces = frames.energy, frames.forces
    if base is not None:
        energy, forces = energy - base.energy, forces - base.forces
    # Total energies differ by thousands of eV between levels: a model that goes on with another would be lost.
    start = fit_zero(energy[rows[0]], frames, rows[0], Tensor.mean)
    content = _trained(
        spec, frames, rows, (energy, forces), start, (weighting.train, weighting.val) if weighting else None, parents
    )
    checked = torch.cat([rows[0][:_TRAINING_FRAMES], rows[1]])
    found = predict_models(bank, spec.train.level, checked, [OutsideModel(settings, content, 0.0)])
    n_train = len(checked) - len(rows[1])
    missing = energy[checked] - found.energy[0]
    zero = fit_zero(missing[:n_train], frames, rows[0][:n_train], Tensor.median)
    errors = frames.component_mean((found.forces[0] - forces[checked]).abs(), checked)
    unlearnt = frames.component_mean(forces[rows[1]].abs(), rows[1])
    weights = None if weighting is None else weighting.val
    val_error, baseline = (_mean(own, weights) for own in (errors[n_train:], unlearnt))
    if on_validation is not None:
        on_validation(spec.steps, [val_error])
    sample = None if weighting is None else effective_sample(weighting.train)
    return StageResult(
        key=spec.key,
        spec=spec.to_json(),
        model=OutsideModel(settings, content, zero.constant_ev, zero.elements_ev),
        val_force_mae_ev_ang=val_error,
        validation_curve=((spec.steps, val_error),),
        core_s=_cpu_s() - began_s,
        cuda_s=os.times().elapsed - began_wall_s if spec.device == "cuda" else 0.0,
        energy_shift_ev=start.constant_ev,
        gamma_ev_ang=None if weighting is None else weighting.gamma_ev_ang,
        effective_sample=sample,
        bias_quantiles_ev_ang=None if weighting is None else weighting.bias_quantiles_ev_ang,
        warnings=(
            *sample_warnings(sample, len(spec.train)),
            *useless_warnings(spec.kind, val_error, baseline),
        ),
        train_force_mae_ev_ang=None if spec.kind == "pretrain" else float(errors[:n_train].mean()),
    )


def _trained(
    spec: NetworkStage,
    frames: FrameTensors,
    rows: tuple[Tensor, Tensor],
    labels: tuple[Tensor, Tensor],
    zero: EnergyZero,
    weights: tuple[Tensor, Tensor] | None,
    parents: Mapping[str, TrainedModel],
) -> Tensor:
    """Bytes of the model's file that the command leaves."""
    settings = spec.model
    assert isinstance(settings, CommandSettings)
    line = settings.finetune if spec.kind == "finetune" else settings.train
    with work_folder() as folder:
        values: dict[str, object] = {name: folder / f"{name}.xyz" for name in ("train", "valid")}
        for place, (path, own) in enumerate(zip(values.values(), rows, strict=True)):
            numbers, positions = frames.numbers_of(own), frames.positions[own]
            energy = labels[0][own] - zero.of(numbers)
            write_frames(
                Path(str(path)),
                numbers.numpy(force=True),
                positions.numpy(force=True),
                (energy.numpy(force=True), labels[1][own].double().numpy(force=True).reshape(positions.shape)),
                None if weights is None else weights[place].double().numpy(force=True),
            )
        model = folder / settings.model_file
        values |= {"model": model, "device": spec.device, "here": Path.cwd()}
        numbers_of = asdict(spec.schedule) | {"seed": spec.seeds.weights % _SEEDS, "hidden": settings.hidden}
        values |= {name: numbers_of[name] for name in NUMBERS}
        if spec.kind == "finetune":
            parent = parents[spec.parents[0]]
            assert isinstance(parent, OutsideModel)
            start = values["start"] = folder / "start" / Path(settings.model_file).name
            parent.write(start)
        values["settings"] = folder / "settings.json"
        (folder / "settings.json").write_text(json.dumps(values, default=str, indent=1), encoding="utf-8")
        words = filled(line, values)
        model.parent.mkdir(parents=True, exist_ok=True)
        run_program(words, folder, settings.limit_s)
        if not model.is_file() or not model.stat().st_size:
            raise InputError(
                f"{words[0]} must write its model to {settings.model_file}, found no such file: name {{model}} in the "
                "command, or what it writes under model_file"
            )
        return torch.from_numpy(np.frombuffer(bytearray(model.read_bytes()), dtype=np.uint8))


def _mean(values: Tensor, weights: Tensor | None) -> float:
    return float(values.mean() if weights is None else (values * weights).sum() / weights.sum())


def _cpu_s() -> float:
    """CPU seconds of this process and of the programs that it has seen the end of."""
    return sum(os.times()[:4])
