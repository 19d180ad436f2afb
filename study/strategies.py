"""Strategies: what each buys, trains and is allowed to vary. Plain data, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Strategy = Literal[
    "accurate_only",
    "cheap_only",
    "pretrain_finetune",
    "asteroid",
    "asteroid_unlabelled",
    "residual",
    "gdml",
    "gdml_residual",
    "gdml_delta",
]

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

#: What a strategy buys of the cheap level: nothing, labelled frames, bare ones, or a label at every accurate geometry.
CheapPurchase = Literal["nothing", "labels", "frames", "labels_at_accurate"]


@dataclass(frozen=True)
class Traits:
    """What distinguishes a strategy.

    Attributes:
        stages: kinds of its stages, first to last; `identify` is left out where nothing is weighted.
        cheap: what it buys of the cheap level.
        runs_cheap_method: the cheap method runs at every prediction.
    """

    stages: tuple[str, ...]
    cheap: CheapPurchase
    runs_cheap_method: bool = False

    @property
    def buys_accurate(self) -> bool:
        """Whether it uses accurate labels at all."""
        return self.stages != ("pretrain",)

    @property
    def finetunes(self) -> bool:
        """Whether it has one row per fine-tune schedule."""
        return "finetune" in self.stages

    @property
    def has_cheap_axis(self) -> bool:
        """Whether n_cheap is one of its axes."""
        return self.cheap in ("labels", "frames")


TRAITS: dict[Strategy, Traits] = {
    "accurate_only": Traits(("identify",), "nothing"),
    "cheap_only": Traits(("pretrain",), "labels"),
    "pretrain_finetune": Traits(("pretrain", "finetune"), "labels"),
    "asteroid": Traits(("identify", "pretrain", "finetune"), "labels"),
    "asteroid_unlabelled": Traits(("score_match", "finetune"), "frames"),
    "residual": Traits(("pretrain", "residual"), "labels"),
    "gdml": Traits(("kernel",), "nothing"),
    "gdml_residual": Traits(("pretrain", "kernel"), "labels"),
    "gdml_delta": Traits(("kernel",), "labels_at_accurate", runs_cheap_method=True),
}
