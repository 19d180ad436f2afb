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
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from asteroid.training.schedule import TRAINER_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.models import NetworkSettings
    from asteroid.models.sgdml import KernelSettings
    from asteroid.models.trained import TrainedModel
    from asteroid.training.fit import Fit
    from asteroid.training.schedule import Schedule


StageKind = Literal["identify", "pretrain", "score_match", "finetune", "residual", "kernel"]


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
class StageSpec:
    """Everything that determines a trained stage.

    Attributes:
        kind: what the stage does.
        descriptors: resolution of the descriptors; None where no model of the study needs any.
        model: architecture and size of the networks, or settings of the kernel.
        schedule: steps, rates, loss; None for a kernel.
        train: frames that gradients see; a kernel sees the others as well.
        val: frames that choose the best weights.
        seeds: the random choices.
        parents: keys of the stages that this one needs.
        gamma_rel: bias-weight temperature over the median bias of the training frames; None for no weights.
        base: cheap labels at the geometries of `train` and `val`, in this order, that are subtracted from the labels.
        score: temperature and probes of score matching; None elsewhere.
    """

    kind: StageKind
    descriptors: DescriptorSettings | None
    model: NetworkSettings | KernelSettings
    schedule: Schedule | None
    train: Frames
    val: Frames
    seeds: Seeds
    parents: tuple[str, ...] = ()
    gamma_rel: float | None = None
    base: Frames | None = None
    score: ScoreSettings | None = None

    @property
    def steps(self) -> int:
        """Gradient steps; 0 for a kernel."""
        return self.schedule.steps if self.schedule else 0

    @property
    def added_to(self) -> str | None:
        """Key of the stage to whose prediction this one's is added, or None."""
        return self.parents[0] if self.kind in ("residual", "kernel") and self.parents else None

    def to_json(self) -> dict[str, Any]:
        """Plain data; frames appear as level, number and digest."""
        plain = asdict(replace(self, train=Frames("", ()), val=Frames("", ()), base=None))
        for role, frames in (("train", self.train), ("val", self.val), ("base", self.base)):
            if frames is not None:
                plain[role] = {"level": frames.level, "n": len(frames), "digest": frames.digest}
        plain["model"]["architecture"] = self.model.architecture
        return plain | {"parents": list(self.parents), "trainer_version": TRAINER_VERSION}

    @cached_property
    def key(self) -> str:
        """Hash of the canonical JSON: equal keys are trained once."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class StageResult:
    """A finished stage, or one whose training was interrupted.

    Attributes:
        key: key of its spec.
        spec: the spec as plain data.
        model: the trained model.
        val_force_mae_ev_ang: best validation error (weighted where the stage is; a kernel's is cross-validated); NaN
            for a stage without labels.
        validation_curve: (step, validation error) pairs: force MAE in eV/Å, or the score-matching loss in eV²/Å².
        core_s: CPU seconds of this stage, its share of the pack.
        energy_shift_ev: energy constant of the level that the stage took off its labels before it began.
        gamma_ev_ang: bias-weight temperature, eV/Å; None without weights.
        effective_sample: effective number of training frames; None without weights.
        bias_quantiles_ev_ang: 10th, 50th and 90th percentile of the estimated bias; None where none was estimated.
        status: "ok", or the reason of failure.
        warnings: doubts, as sentences.
        interrupted: what to go on with where steps are left; None: the stage is finished.
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
