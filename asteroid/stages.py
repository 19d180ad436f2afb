"""Stages: plain descriptions with a content key, and the training of a pack of them.

`identify` trains on accurate frames, `pretrain` on cheap frames weighted by exp(-bias/gamma) of its `identify` parent
(or unweighted, without a parent), `finetune` continues a parent on accurate frames: the three stages of ASTEROID
(Bukharin et al., ICML 2023, arXiv 2306.03109). Two stages with equal keys are the same work.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from asteroid.models.mlp import (
    MLPSettings,
    Scaling,
    initial_parameters,
    measure_scaling,
    stack_scalings,
)
from asteroid.objectives import bias_weights, effective_sample, frame_bias
from asteroid.training import TRAINER_VERSION, Member, OnValidation, Schedule, fit_pack, predict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.descriptors import DescriptorSettings
    from asteroid.frames import FrameBank

StageKind = Literal["identify", "pretrain", "finetune"]


@dataclass(frozen=True)
class Frames:
    """Frames of one level by content, in order."""

    level: str
    hashes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.hashes)

    @cached_property
    def digest(self) -> str:
        """One hash for all frames and their order."""
        return hashlib.blake2b("\n".join((self.level, *self.hashes)).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Seeds:
    """The three random choices of a stage.

    Attributes:
        data: which frames were bought, in which order.
        weights: initial weights.
        batches: order of the batches.
    """

    data: int
    weights: int
    batches: int


@dataclass(frozen=True)
class StageSpec:
    """Everything that determines a trained stage.

    Attributes:
        kind: identify, pretrain or finetune.
        descriptors: resolution of the descriptors.
        model: size of the networks.
        schedule: steps, rates, loss.
        train: frames that gradients see.
        val: frames that choose the best weights.
        seeds: the random choices.
        parents: keys of the stages that this one needs.
        gamma_rel: bias-weight temperature over the median bias of the training frames; None for no weights.
    """

    kind: StageKind
    descriptors: DescriptorSettings
    model: MLPSettings
    schedule: Schedule
    train: Frames
    val: Frames
    seeds: Seeds
    parents: tuple[str, ...] = ()
    gamma_rel: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data; frames appear as level, number and digest."""
        plain = asdict(replace(self, train=Frames("", ()), val=Frames("", ())))
        for role, frames in (("train", self.train), ("val", self.val)):
            plain[role] = {"level": frames.level, "n": len(frames), "digest": frames.digest}
        return plain | {"parents": list(self.parents), "trainer_version": TRAINER_VERSION}

    @cached_property
    def key(self) -> str:
        """Hash of the canonical JSON: equal keys are trained once."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class TrainedModel:
    """What a child stage or a prediction needs: weights [P], their scaling (K = 1) and the energy constant (eV)."""

    parameters: Tensor
    scaling: Scaling
    energy_shift_ev: float


@dataclass(frozen=True)
class StageResult:
    """A finished stage.

    Attributes:
        key: key of its spec.
        spec: the spec as plain data.
        model: the trained model.
        val_force_mae_ev_ang: best validation error (weighted where the stage is).
        validation_curve: (step, validation error in eV/Å) pairs.
        core_s: CPU seconds of this stage, its share of the pack.
        gamma_ev_ang: bias-weight temperature, eV/Å; None without weights.
        effective_sample: effective number of training frames; None without weights.
        bias_quantiles_ev_ang: 10th, 50th and 90th percentile of the estimated bias; None where none was estimated.
        status: "ok", or the reason of failure.
    """

    key: str
    spec: Mapping[str, Any]
    model: TrainedModel
    val_force_mae_ev_ang: float
    validation_curve: tuple[tuple[int, float], ...]
    core_s: float
    gamma_ev_ang: float | None = None
    effective_sample: float | None = None
    bias_quantiles_ev_ang: tuple[float, float, float] | None = None
    status: str = "ok"


@dataclass(frozen=True)
class _Weighting:
    """Bias weights of one pretrain stage and what is reported about them."""

    train: Tensor
    val: Tensor
    gamma_ev_ang: float
    bias_quantiles_ev_ang: tuple[float, float, float]


def train_pack(
    bank: FrameBank,
    specs: Sequence[StageSpec],
    parents: Mapping[str, TrainedModel],
    *,
    share_batches: bool = False,
    on_validation: OnValidation | None = None,
) -> list[StageResult]:
    """Train stages of one kind together.

    Args:
        bank: the described frames.
        specs: stages of equal kind, level, model, number of steps, batch size and force loss.
        parents: trained parents by key.
        share_batches: the stages have equal training frames and batch seeds (see `training.fit_pack`).
        on_validation: called after every validation.

    Returns:
        one result per spec, in order.

    Raises:
        ValueError: a temperature without a parent or not finite, or two levels in one pack.
    """
    for spec in specs:
        if spec.gamma_rel is not None and not (spec.parents and 0 < spec.gamma_rel < math.inf):
            raise ValueError(f"weights need a parent and a finite temperature, found gamma_rel {spec.gamma_rel}")
    if len({frames.level for spec in specs for frames in (spec.train, spec.val)}) > 1:
        raise ValueError("a pack trains and validates on one level")
    began = time.process_time()
    first = specs[0]
    frames = bank.levels[first.train.level]
    rows = [(bank.rows_of(s.train.level, s.train.hashes), bank.rows_of(s.val.level, s.val.hashes)) for s in specs]
    weightings = _weightings(bank, specs, rows, parents)
    members = []
    for spec, (train_rows, val_rows), weighting in zip(specs, rows, weightings, strict=True):
        if spec.kind == "finetune":
            start = parents[spec.parents[0]]
            parameters, scaling = start.parameters, start.scaling
        else:
            parameters = initial_parameters(bank.layout, spec.model, spec.seeds.weights)
            scaling = measure_scaling(bank.layout, frames.descriptors[train_rows], frames.forces[train_rows])
        members.append(
            Member(
                parameters=parameters,
                scaling=scaling,
                train_rows=train_rows,
                val_rows=val_rows,
                train_weights=None if weighting is None else weighting.train,
                val_weights=None if weighting is None else weighting.val,
                schedule=spec.schedule,
                batch_seed=spec.seeds.batches,
            )
        )
    fits = fit_pack(bank.layout, first.model, frames, members, share_batches=share_batches, on_validation=on_validation)
    core_s = (time.process_time() - began) / len(specs)
    return [
        StageResult(
            key=spec.key,
            spec=spec.to_json(),
            model=TrainedModel(fit.parameters, member.scaling, fit.energy_shift_ev),
            val_force_mae_ev_ang=fit.val_force_mae_ev_ang,
            validation_curve=fit.validation_curve,
            core_s=core_s,
            gamma_ev_ang=None if weighting is None else weighting.gamma_ev_ang,
            effective_sample=None if weighting is None else effective_sample(weighting.train),
            bias_quantiles_ev_ang=None if weighting is None else weighting.bias_quantiles_ev_ang,
            status="ok" if fit.diverged_at_step is None else f"loss not finite at step {fit.diverged_at_step}",
        )
        for spec, member, fit, weighting in zip(specs, members, fits, weightings, strict=True)
    ]


def _weightings(
    bank: FrameBank,
    specs: Sequence[StageSpec],
    rows: Sequence[tuple[Tensor, Tensor]],
    parents: Mapping[str, TrainedModel],
) -> list[_Weighting | None]:
    """Bias weights of every stage that has a temperature; one pass over the frames per set of frames."""
    weightings: list[_Weighting | None] = [None] * len(specs)
    waiting = [i for i, spec in enumerate(specs) if spec.gamma_rel is not None]
    while waiting:
        alike = [
            i for i in waiting if specs[i].train == specs[waiting[0]].train and specs[i].val == specs[waiting[0]].val
        ]
        waiting = [i for i in waiting if i not in alike]
        teacher_keys = sorted({specs[i].parents[0] for i in alike})
        train_rows, val_rows = rows[alike[0]]
        level = specs[alike[0]].train.level
        teachers = [parents[key] for key in teacher_keys]
        bias = estimate_bias(bank, level, torch.cat([train_rows, val_rows]), teachers, specs[alike[0]].model)
        for i in alike:
            own = bias[teacher_keys.index(specs[i].parents[0])]
            weightings[i] = _weigh(own, len(train_rows), specs[i].gamma_rel)
    return weightings


def _weigh(bias: Tensor, n_train: int, gamma_rel: float | None) -> _Weighting:
    assert gamma_rel is not None
    on_train = bias[:n_train].double()
    low, median, high = torch.quantile(on_train, torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)).tolist()
    gamma = gamma_rel * median
    # One call for both roles, so that a held-out frame weighs what a training frame of the same bias weighs.
    # A held-out frame less biased than every training frame counts as the least biased of those: weights stay bounded.
    weights = bias_weights(bias.double().clamp_min(on_train.min()), gamma)
    weights = (weights / weights[:n_train].mean()).float()
    return _Weighting(weights[:n_train], weights[n_train:], gamma, (low, median, high))


def estimate_bias(
    bank: FrameBank, level: str, rows: Tensor, teachers: Sequence[TrainedModel], settings: MLPSettings
) -> Tensor:
    """Estimated bias of cheap labels under each identifying model.

    Args:
        bank: the described frames.
        level: the cheap level.
        rows: [n] rows of its frames.
        teachers: K models trained on accurate labels.
        settings: size of their networks.

    Returns:
        [K, n] in eV/Å.
    """
    frames = bank.levels[level]
    scaling = stack_scalings([t.scaling for t in teachers])
    _, forces = predict(bank.layout, settings, frames, rows, scaling, torch.stack([t.parameters for t in teachers]))
    return frame_bias(forces, frames.forces[rows])
