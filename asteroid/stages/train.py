"""The training of stages: a pack of networks in one fit, or a kernel in closed form."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.descriptors.frame_bank import Prediction
from asteroid.models import make_network
from asteroid.models.predict import predict_models
from asteroid.models.sgdml import NO_KERNEL, KernelSettings, SingularKernelError, fit_kernel
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.bias_weights import Weighting, weightings_of
from asteroid.stages.stage import StageResult
from asteroid.training.fit_loop import OnValidation, fit_pack
from asteroid.training.losses import effective_sample
from asteroid.training.objective import Member
from asteroid.training.score_matching import kt_ev, thermal_force_scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.descriptors.frame_bank import FrameBank, FrameTensors
    from asteroid.models.network import Network
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageSpec
    from asteroid.training.fit import Fit

#: Below this share of effective frames the weights have thrown most of the labels away.
_LEAST_EFFECTIVE_SHARE = 0.02
#: Frames from which the size of unknown forces is estimated.
_SCALE_FRAMES = 1000


def train_pack(
    bank: FrameBank,
    specs: Sequence[StageSpec],
    parents: Mapping[str, TrainedModel],
    *,
    share_batches: bool = False,
    on_validation: OnValidation | None = None,
    earlier: Sequence[StageResult] = (),
    until: int | None = None,
) -> list[StageResult]:
    """Train stages of one kind together.

    Args:
        bank: the described frames.
        specs: stages of equal kind, level, model, number of steps, batch size and force loss.
        parents: trained parents by key.
        share_batches: the stages have equal training frames and batch seeds (see `training.fit_pack`).
        on_validation: called after every validation.
        earlier: results of the same stages that were interrupted, all at the same step; none to start anew.
        until: number of steps after which to interrupt (see `training.fit_pack`); None to finish.

    Returns:
        one result per spec, in order; `interrupted` where there are steps left.

    Raises:
        ValueError: a temperature without a parent or not finite, or two levels in one pack.
        InputError: a kernel does not fit into the memory that is free.
    """
    for spec in specs:
        if spec.gamma_rel is not None and not (spec.parents and 0 < spec.gamma_rel < math.inf):
            raise ValueError(f"weights need a parent and a finite temperature, found gamma_rel {spec.gamma_rel}")
    if len({frames.level for spec in specs for frames in (spec.train, spec.val)}) > 1:
        raise ValueError("a pack trains and validates on one level")
    if specs[0].kind == "kernel":
        return [_fit_kernel_stage(bank, spec, parents) for spec in specs]
    return _train_networks(bank, specs, parents, share_batches, on_validation, earlier, until)


def _train_networks(
    bank: FrameBank,
    specs: Sequence[StageSpec],
    parents: Mapping[str, TrainedModel],
    share_batches: bool,
    on_validation: OnValidation | None,
    earlier: Sequence[StageResult],
    until: int | None,
) -> list[StageResult]:
    began = time.process_time()
    first = specs[0]
    assert not isinstance(first.model, KernelSettings)
    network, frames = make_network(first.model, bank.layout), bank.levels[first.train.level]
    rows = [(bank.rows_of(s.train.level, s.train.hashes), bank.rows_of(s.val.level, s.val.hashes)) for s in specs]
    weightings = weightings_of(bank, specs, rows, parents)
    bases = _bases(bank, specs, rows, parents)
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
    core_s = (time.process_time() - began) / len(specs)
    spent_s = [core_s + result.core_s for result in earlier] or [core_s] * len(specs)
    idle = [_error_of_no_forces(frames, member) for member in members]
    return [_result(*made) for made in zip(specs, members, fits, weightings, spent_s, idle, strict=True)]


def _member(
    network: Network,
    frames: FrameTensors,
    spec: StageSpec,
    rows: tuple[Tensor, Tensor],
    weighting: Weighting | None,
    base: Prediction | None,
    parents: Mapping[str, TrainedModel],
) -> Member:
    assert spec.schedule is not None
    train_rows, val_rows = rows
    if spec.kind == "finetune":
        start = parents[spec.parents[0]]
        assert isinstance(start, TrainedNetwork)
        parameters, scaling = start.parameters, start.scaling
    else:
        forces = frames.forces[train_rows]
        if spec.score is not None:
            sample = frames.positions[train_rows[:_SCALE_FRAMES]].numpy()
            scale = thermal_force_scale(sample, kt_ev(spec.score.temperature_k))
            forces = torch.full_like(forces, scale)  # the labels, if there are any, are not looked at
        elif base is not None:
            forces = forces - base.forces[train_rows]
        parameters = network.initial_parameters(spec.seeds.weights)
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
    )


def _bases(
    bank: FrameBank,
    specs: Sequence[StageSpec],
    rows: Sequence[tuple[Tensor, Tensor]],
    parents: Mapping[str, TrainedModel],
) -> list[Prediction | None]:
    """For all N frames of the level, what each stage's labels are to be diminished by; only its own rows are filled."""
    return [
        _base(bank, spec, torch.cat(own), parents) if spec.added_to or spec.base else None
        for spec, own in zip(specs, rows, strict=True)
    ]


def _base(bank: FrameBank, spec: StageSpec, rows: Tensor, parents: Mapping[str, TrainedModel]) -> Prediction:
    frames = bank.levels[spec.train.level]
    base = Prediction(torch.zeros_like(frames.energy), torch.zeros_like(frames.forces))
    if spec.base is not None:
        if frames.cheap is None:
            raise ValueError("a stage on the difference to a cheap method needs its labels in the bank")
        base = frames.cheap
    if spec.added_to is not None:
        found = predict_models(bank, spec.train.level, rows, [parents[spec.added_to]])
        base = Prediction(
            base.energy.index_add(0, rows, found.energy[0]), base.forces.index_add(0, rows, found.forces[0])
        )
    return base


def _error_of_no_forces(frames: FrameTensors, member: Member) -> float:
    """Validation error of a model that predicts no forces at all, eV/Å; it is what the worst sensible one reaches."""
    forces = frames.forces[member.val_rows]
    if member.base is not None:
        forces = forces - member.base.forces[member.val_rows]
    per_frame = frames.component_mean(forces.abs(), member.val_rows)
    weights = member.val_weights
    return float(per_frame.mean() if weights is None else (per_frame * weights).sum() / weights.sum())


def _result(
    spec: StageSpec, member: Member, fit: Fit, weighting: Weighting | None, core_s: float, idle_ev_ang: float
) -> StageResult:
    assert not isinstance(spec.model, KernelSettings)
    sample = None if weighting is None else effective_sample(weighting.train)
    return StageResult(
        key=spec.key,
        spec=spec.to_json(),
        model=TrainedNetwork(spec.model, fit.parameters, member.scaling, fit.energy_shift_ev, fit.element_energies_ev),
        val_force_mae_ev_ang=math.nan if spec.score else fit.val_error,
        validation_curve=fit.validation_curve,
        core_s=core_s,
        energy_shift_ev=fit.start_shift_ev,
        gamma_ev_ang=None if weighting is None else weighting.gamma_ev_ang,
        effective_sample=sample,
        bias_quantiles_ev_ang=None if weighting is None else weighting.bias_quantiles_ev_ang,
        status="ok" if fit.diverged_at_step is None else f"loss not finite at step {fit.diverged_at_step}",
        warnings=(*_sample_doubts(sample, len(spec.train)), *_fit_doubts(spec, fit, idle_ev_ang)),
        interrupted=fit if fit.checkpoint else None,
    )


def _fit_doubts(spec: StageSpec, fit: Fit, idle_ev_ang: float) -> tuple[str, ...]:
    """A loss may stay finite and the model be useless."""
    unjudged = spec.score is not None or fit.checkpoint is not None or fit.diverged_at_step is not None
    if unjudged or fit.val_error < idle_ev_ang:
        return ()
    return (
        f"{spec.kind} leaves a validation error of {fit.val_error:.3g} eV/Å, predicting no forces one of "
        f"{idle_ev_ang:.3g}: lower its learning_rate or train longer",
    )


def _sample_doubts(sample: float | None, n_train: int) -> tuple[str, ...]:
    if sample is None or sample >= _LEAST_EFFECTIVE_SHARE * n_train:
        return ()
    return (f"effective sample {sample:.1f} of {n_train} frames ({sample / n_train:.1%}): raise gamma_rel",)


def _fit_kernel_stage(bank: FrameBank, spec: StageSpec, parents: Mapping[str, TrainedModel]) -> StageResult:
    """SGDML on all bought labels, validation labels included: it has no early stopping."""
    began = time.process_time()
    assert isinstance(spec.model, KernelSettings)
    frames = bank.levels[spec.train.level]
    rows = bank.rows_of(spec.train.level, (*spec.train.hashes, *spec.val.hashes))
    labels = Prediction(frames.energy, frames.forces)
    if spec.added_to or spec.base:
        base = _base(bank, spec, rows, parents)
        labels = Prediction(labels.energy - base.energy, labels.forces - base.forces)
    positions = frames.positions[rows].numpy()
    model, val_error, status = NO_KERNEL, math.nan, "ok"
    try:
        fit = fit_kernel(
            frames.numbers.numpy(),
            positions,
            labels.energy[rows].numpy(),
            labels.forces[rows].double().numpy().reshape(positions.shape),
            spec.model,
            spec.seeds.weights,
        )
        model, val_error = fit.model, fit.cross_validated_mae_ev_ang.get(fit.sigma, math.nan)
    except SingularKernelError as error:  # as a loss that is not finite: this row fails, the others go on
        status = str(error)
    return StageResult(
        key=spec.key,
        spec=spec.to_json(),
        model=model,
        val_force_mae_ev_ang=val_error,
        validation_curve=(),
        core_s=time.process_time() - began,
        status=status,
    )
