"""The kinds of stages, and what each trains on. Plain data, without torch.

The stages of ASTEROID (Bukharin et al., ICML 2023, arXiv 2306.03109) are `identify`, `pretrain` and `finetune`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

#: Stages that train a network by gradient steps along a schedule.
NetworkStageKind = Literal["identify", "pretrain", "score_match", "finetune", "residual"]
StageKind = Literal[NetworkStageKind, "kernel"]
NETWORK_KINDS: tuple[NetworkStageKind, ...] = get_args(NetworkStageKind)


@dataclass(frozen=True)
class KindTraits:
    """What distinguishes a kind of stage.

    Attributes:
        trains_on: level of its training and validation frames.
        labelled: whether it reads the labels of these frames, or their geometries alone.
        adds_to_parent: whether it learns what its parent leaves, so that its prediction is added to the parent's.
        needs_forces: whether it learns from forces, so that energies alone are not enough.
    """

    trains_on: Literal["accurate", "cheap"]
    labelled: bool = True
    adds_to_parent: bool = False
    needs_forces: bool = False


STAGE_KINDS: dict[StageKind, KindTraits] = {
    "identify": KindTraits("accurate"),
    "pretrain": KindTraits("cheap"),
    "score_match": KindTraits("cheap", labelled=False),
    "finetune": KindTraits("accurate"),
    "residual": KindTraits("accurate", adds_to_parent=True),
    "kernel": KindTraits("accurate", adds_to_parent=True, needs_forces=True),
}
