"""Stages: plain descriptions with a content key, and what a trained stage is.

`identify` trains on accurate frames, `pretrain` on cheap frames weighted by exp(-bias/gamma) of its `identify` parent
(or unweighted, without a parent), `finetune` continues a parent on accurate frames: the three stages of ASTEROID
(Bukharin et al., ICML 2023, arXiv 2306.03109). `score_match` pretrains on frames without labels. `residual` and
`kernel` learn what a base leaves of the accurate labels: a parent's prediction, the labels of a cheap method at the
same geometries, or nothing. Two stages with equal keys are the same work.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from asteroid.stages.kinds import STAGE_KINDS
from asteroid.training.schedule import TRAINER_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.models.network import NetworkSettings
    from asteroid.models.sgdml.settings import KernelSettings
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.kinds import NetworkStageKind
    from asteroid.training.fit import Fit
    from asteroid.training.schedule import Schedule


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
class ScoreSettings:
    """How frames without labels are learnt from.

    Attributes:
        temperature_k: temperature at which they were sampled.
        n_probes: directions per frame along which the curvature of the energy is taken.
    """

    temperature_k: float
    n_probes: int = 4


@dataclass(frozen=True)
class NetworkStage:
    """Everything that determines a stage of gradient training.

    Attributes:
        kind: what the stage does.
        descriptors: resolution of the descriptors; None where no model of the study needs any.
        model: architecture and size of the networks.
        schedule: steps, rates, loss.
        train: frames that gradients see.
        val: frames that choose the best weights.
        seeds: the random choices.
        parents: keys of the stages that this one needs.
        gamma_rel: bias-weight temperature over the median bias of the training frames; None for no weights.
        base: cheap labels at the geometries of `train` and `val`, in this order, that are subtracted from the labels.
        score: temperature and probes of score matching; None elsewhere.
        device: class of the device that it trains on; part of the key unless it is the CPU.
        given: identity of a model that is there already and stands in the place of a training; None elsewhere.
    """

    kind: NetworkStageKind
    descriptors: DescriptorSettings | None
    model: NetworkSettings
    schedule: Schedule
    train: Frames
    val: Frames
    seeds: Seeds
    parents: tuple[str, ...] = ()
    gamma_rel: float | None = None
    base: Frames | None = None
    score: ScoreSettings | None = None
    device: str = "cpu"
    given: str | None = None

    @property
    def steps(self) -> int:
        """Gradient steps."""
        return self.schedule.steps

    @property
    def effort(self) -> float:
        """About how long it takes, in gradient steps."""
        return self.schedule.steps

    @property
    def n_val(self) -> int:
        """Frames that are held out of the training."""
        return len(self.val)

    @property
    def is_weighted(self) -> bool:
        """Whether frames weigh exp(-bias / gamma)."""
        return self.gamma_rel is not None

    @property
    def added_to(self) -> str | None:
        """Key of the stage to whose prediction this one's is added, or None."""
        return self.parents[0] if STAGE_KINDS[self.kind].adds_to_parent and self.parents else None

    @property
    def prediction_size(self) -> tuple[object, ...]:
        """Stages that agree in it predict a frame equally fast."""
        return (self.model,)

    def to_json(self) -> dict[str, Any]:
        """Plain data; frames appear as level, number and digest."""
        return _record(self)

    @cached_property
    def key(self) -> str:
        """Hash of the canonical JSON: equal keys are trained once."""
        return _hash_of(self.to_json())


@dataclass(frozen=True)
class KernelStage:
    """Everything that determines a kernel fit in closed form. It has no early stopping: all frames are trained on.

    Attributes:
        descriptors: as of the study's networks. A kernel has descriptors of its own.
        model: settings of the kernel.
        train: frames that it is fitted to.
        val: frames that it is fitted to as well; a network would hold them out.
        seeds: the random choices; of weights, which frames are searched for permutations.
        parents: the key of the stage whose prediction is subtracted from the labels, if there is one.
        base: cheap labels at the geometries of `train` and `val`, in this order, that are subtracted from the labels.
    """

    descriptors: DescriptorSettings | None
    model: KernelSettings
    train: Frames
    val: Frames
    seeds: Seeds
    parents: tuple[str, ...] = ()
    base: Frames | None = None

    kind: ClassVar[Literal["kernel"]] = "kernel"
    steps: ClassVar[int] = 0
    n_val: ClassVar[int] = 0
    is_weighted: ClassVar[bool] = False

    @property
    def n_frames(self) -> int:
        """Frames that it is fitted to."""
        return len(self.train) + len(self.val)

    @property
    def effort(self) -> float:
        """About how long it takes, in gradient steps of a network."""
        return self.n_frames**2 / 4

    @property
    def added_to(self) -> str | None:
        """Key of the stage to whose prediction this one's is added, or None."""
        return self.parents[0] if self.parents else None

    @property
    def prediction_size(self) -> tuple[object, ...]:
        """Stages that agree in it predict a frame equally fast."""
        return (self.model, self.n_frames)

    def to_json(self) -> dict[str, Any]:
        """Plain data; frames appear as level, number and digest."""
        return _record(self)

    @cached_property
    def key(self) -> str:
        """Hash of the canonical JSON: equal keys are trained once."""
        return _hash_of(self.to_json())


StageSpec = NetworkStage | KernelStage


def _record(spec: StageSpec) -> dict[str, Any]:
    """Plain data of a stage, of the same keys for all kinds: null where a kind has no such setting."""
    plain = asdict(replace(spec, train=Frames("", ()), val=Frames("", ()), base=None))
    for role, frames in (("train", spec.train), ("val", spec.val), ("base", spec.base)):
        if frames is not None:
            plain[role] = {"level": frames.level, "n": len(frames), "digest": frames.digest}
    plain["model"]["architecture"] = spec.model.architecture
    if isinstance(spec, NetworkStage):
        for name in spec.model.unkeyed:
            del plain["model"][name]
    plain |= {"kind": spec.kind, "parents": list(spec.parents)}
    names = [field.name for field in fields(NetworkStage) if field.name not in ("device", "given")]
    elsewhere = {"device": plain["device"]} if plain.get("device", "cpu") != "cpu" else {}
    if plain.get("given") is not None:
        elsewhere["given"] = plain["given"]
    return {name: plain.get(name) for name in names} | elsewhere | {"trainer_version": TRAINER_VERSION}


def _hash_of(record: Mapping[str, Any]) -> str:
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class StageResult:
    """A finished stage, or one whose training was interrupted.

    Attributes:
        key: key of its spec.
        spec: the spec as plain data.
        model: the trained model.
        val_force_mae_ev_ang: best validation error (weighted where the stage is; a kernel's is cross-validated); NaN
            for a stage without labels, and for one of energies alone.
        validation_curve: (step, validation error) pairs: force MAE in eV/Å, of energies alone their MAE in eV, or the
            score-matching loss in eV²/Å².
        core_s: CPU seconds of this stage, its share of the pack.
        energy_shift_ev: energy constant of the level that the stage took off its labels before it began.
        gamma_ev_ang: bias-weight temperature, eV/Å; None without weights.
        effective_sample: effective number of training frames; None without weights.
        bias_quantiles_ev_ang: 10th, 50th and 90th percentile of the estimated bias; None where none was estimated.
        status: "ok", or the reason of failure.
        warnings: what a reader must know, as sentences.
        interrupted: what to go on with where steps are left; None: the stage is finished.
        train_force_mae_ev_ang: force MAE of the kept weights on training labels, unweighted; None where that tells
            nothing of the accurate labels (pretraining, a kernel that fits them exactly) and for unfinished stages.
        cuda_s: seconds that it kept a GPU, its share of the pack.
        val_energy_mae_ev: best validation error of a stage of energies alone; None elsewhere.
    """

    key: str
    spec: Mapping[str, Any]
    model: TrainedModel
    val_force_mae_ev_ang: float
    validation_curve: tuple[tuple[int, float], ...]
    core_s: float
    energy_shift_ev: float = 0.0
    gamma_ev_ang: float | None = None
    effective_sample: float | None = None
    bias_quantiles_ev_ang: tuple[float, float, float] | None = None
    status: str = "ok"
    warnings: tuple[str, ...] = ()
    interrupted: Fit | None = None
    train_force_mae_ev_ang: float | None = None
    cuda_s: float = 0.0
    val_energy_mae_ev: float | None = None


def useless_warnings(kind: str, error: float, baseline: float, *, energies_alone: bool = False) -> tuple[str, ...]:
    """What to say of a stage that is no better than predicting no forces; nothing of a better one.

    Args:
        kind: of the stage.
        error: its validation error, eV/Å; of energies alone, eV.
        baseline: that of predicting no forces, or one energy for all.
        energies_alone: whether it learned energies alone.
    """
    if error < baseline:
        return ()
    unit, nothing = ("eV", "one energy for all frames") if energies_alone else ("eV/Å", "no forces")
    return (
        f"{kind} leaves a validation error of {error:.3g} {unit}, predicting {nothing} one of {baseline:.3g}: lower "
        "its learning_rate or train longer",
    )
