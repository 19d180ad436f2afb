"""The stages that train networks: what a pack starts from, what it learns, and what is reported of it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.models.energy_zero import fit_zero
from asteroid.models.predict import predict
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.bias_weights import Weighting, effective_sample, sample_warnings, weightings_of
from asteroid.stages.difference import subtracted_labels
from asteroid.stages.stage import StageResult, useless_warnings
from asteroid.training.fit_loop import OnValidation, fit_pack
from asteroid.training.objective import Member
from asteroid.training.score_matching import kt_ev, thermal_force_scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.descriptors.frame_bank import FrameBank, FrameTensors, Prediction
    from asteroid.models.network import Network
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import NetworkStage
    from asteroid.training.fit import Fit

#: Frames from which the size of unknown forces is estimated.
_SCALE_FRAMES = 1000
#: Energies alone say how large forces are if something is known of how far frames lie apart: about as much, Å.
_REACH_ANG = 0.1
#: Frames that a training error is taken from.
_TRAINING_FRAMES = 256


def train_networks(
    bank: FrameBank,
    specs: Sequence[NetworkStage],
    parents: Mapping[str, TrainedModel],
    *,
    share_batches: bool,
    on_validation: OnValidation | None,
    earlier: Sequence[StageResult],
    until: int | None,
) -> list[StageResult]:
    """Train networks as one pack; arguments and result are those of `asteroid.stages.train.train_pack`.

    Raises:
        ValueError: a temperature without a parent or not finite.
    """
    for spec in specs:
        if spec.gamma_rel is not None and not (spec.parents and 0 < spec.gamma_rel < math.inf):
            raise ValueError(f"weights need a parent and a finite temperature, found gamma_rel {spec.gamma_rel}")
    began, began_s = time.process_time(), time.perf_counter()
    network, frames = specs[0].model.network(bank.layout), bank.levels[specs[0].train.level]
    rows = [(bank.rows_of(s.train.level, s.train.hashes), bank.rows_of(s.val.level, s.val.hashes)) for s in specs]
    weightings = weightings_of(bank, specs, rows, parents)
    bases = [subtracted_labels(bank, s, torch.cat(own), parents) for s, own in zip(specs, rows, strict=True)]
    members = [
        _member(network, frames, spec, own, weighting, base, parents)
        for spec, own, weighting, base in zip(specs, rows, weightings, bases, strict=True)
    ]
    fits = fit_pack(
        network,
        frames,
        members,
        share_batches=share_batches,
        on_validation=on_validation,
        earlier=[result.interrupted for result in earlier if result.interrupted],
        until=until,
    )
    # The fits lie on the CPU by now, so nothing is left to be done on a GPU.
    cuda_s = (time.perf_counter() - began_s) / len(specs) if frames.device.type == "cuda" else 0.0
    core_s = (time.process_time() - began) / len(specs)
    spent_s = [(core_s + result.core_s, cuda_s + result.cuda_s) for result in earlier] or [(core_s, cuda_s)] * len(
        specs
    )
    baselines = [_mae_without_model(frames, member) for member in members]
    left = [_training_mae(network, frames, *own) for own in zip(specs, members, fits, strict=True)]
    return [_result(*made) for made in zip(specs, members, fits, weightings, spent_s, baselines, left, strict=True)]


def _member(
    network: Network,
    frames: FrameTensors,
    spec: NetworkStage,
    rows: tuple[Tensor, Tensor],
    weighting: Weighting | None,
    base: Prediction | None,
    parents: Mapping[str, TrainedModel],
) -> Member:
    train_rows, val_rows = rows
    alone = spec.score is None and frames.energies_alone(train_rows)
    if spec.kind == "finetune":
        start = parents[spec.parents[0]]
        if not isinstance(start, TrainedNetwork):
            raise ValueError("fine-tuning goes on with the weights of a network, found a kernel")
        parameters, scaling = start.parameters.to(frames.device), start.scaling.to(frames.device)
    else:
        forces = frames.forces[train_rows]
        if spec.score is not None:
            sample = frames.positions[train_rows[:_SCALE_FRAMES]].numpy(force=True)
            scale = thermal_force_scale(sample, kt_ev(spec.score.temperature_k))
            forces = torch.full_like(forces, scale)  # the labels, if there are any, are not looked at
        elif alone:
            forces = torch.full_like(forces, _spread_ev(frames, train_rows, base) / _REACH_ANG)
        elif base is not None:
            forces = forces - base.forces[train_rows]
        parameters = network.initial_parameters(spec.seeds.weights).to(frames.device)
        scaling = network.measure_scaling(frames, train_rows, forces)
    return Member(
        parameters=parameters,
        scaling=scaling,
        train_rows=train_rows,
        val_rows=val_rows,
        train_weights=None if weighting is None else weighting.train,
        val_weights=None if weighting is None else weighting.val,
        schedule=spec.schedule,
        batch_seed=spec.seeds.batches,
        base=base,
        kt_ev=None if spec.score is None else kt_ev(spec.score.temperature_k),
        energies_alone=alone,
    )


def _spread_ev(frames: FrameTensors, rows: Tensor, base: Prediction | None) -> float:
    """Standard deviation of what is to be learned of the energies of frames, their zero left out."""
    energy = frames.energy[rows] if base is None else frames.energy[rows] - base.energy[rows]
    return float((energy - fit_zero(energy, frames, rows, Tensor.mean).of(frames.numbers_of(rows))).std(correction=0))


def _mae_without_model(frames: FrameTensors, member: Member) -> float:
    """Validation error of predicting zero forces, eV/Å, or of energies alone one for all frames, eV: the baseline."""
    if member.energies_alone:
        energy = frames.energy if member.base is None else frames.energy - member.base.energy
        zero = fit_zero(energy[member.train_rows], frames, member.train_rows, Tensor.mean)
        rows = member.val_rows
        return float((energy[rows] - zero.of(frames.numbers_of(rows))).abs().mean())
    forces = frames.forces[member.val_rows]
    if member.base is not None:
        forces = forces - member.base.forces[member.val_rows]
    per_frame = frames.component_mean(forces.abs(), member.val_rows)
    weights = member.val_weights
    return float(per_frame.mean() if weights is None else (per_frame * weights).sum() / weights.sum())


def _training_mae(network: Network, frames: FrameTensors, spec: NetworkStage, member: Member, fit: Fit) -> float | None:
    """Force MAE on the frames that a stage trained on, or some of many, eV/Å; None for cheap and unfinished ones."""
    if spec.kind in ("pretrain", "score_match") or fit.checkpoint is not None or member.energies_alone:
        return None
    rows = member.train_rows[:_TRAINING_FRAMES]
    _, forces = predict(network, frames, rows, member.scaling, fit.parameters[None].to(frames.device))
    labels = frames.forces[rows] if member.base is None else frames.forces[rows] - member.base.forces[rows]
    return float(frames.component_mean((forces[0] - labels).abs(), rows).mean())


def _result(
    spec: NetworkStage,
    member: Member,
    fit: Fit,
    weighting: Weighting | None,
    spent_s: tuple[float, float],
    baseline: float,
    train_mae_ev_ang: float | None,
) -> StageResult:
    sample = None if weighting is None else effective_sample(weighting.train)
    return StageResult(
        key=spec.key,
        spec=spec.to_json(),
        model=TrainedNetwork(
            spec.model,
            fit.parameters,
            member.scaling.to(torch.device("cpu")),
            fit.energy_shift_ev,
            fit.element_energies_ev,
        ),
        val_force_mae_ev_ang=math.nan if spec.score or member.energies_alone else fit.val_error,
        val_energy_mae_ev=fit.val_error if member.energies_alone else None,
        validation_curve=fit.validation_curve,
        core_s=spent_s[0],
        cuda_s=spent_s[1],
        energy_shift_ev=fit.start_shift_ev,
        gamma_ev_ang=None if weighting is None else weighting.gamma_ev_ang,
        effective_sample=sample,
        bias_quantiles_ev_ang=None if weighting is None else weighting.bias_quantiles_ev_ang,
        status="ok" if fit.diverged_at_step is None else f"loss not finite at step {fit.diverged_at_step}",
        warnings=(
            *sample_warnings(sample, len(spec.train)),
            *_fit_warnings(spec, fit, baseline, energies_alone=member.energies_alone),
        ),
        interrupted=fit if fit.checkpoint else None,
        train_force_mae_ev_ang=train_mae_ev_ang,
    )


def _fit_warnings(spec: NetworkStage, fit: Fit, baseline: float, *, energies_alone: bool) -> tuple[str, ...]:
    """A loss may stay finite and the model be useless."""
    unjudged = spec.score is not None or fit.checkpoint is not None or fit.diverged_at_step is not None
    if unjudged:
        return ()
    return useless_warnings(spec.kind, fit.val_error, baseline, energies_alone=energies_alone)
