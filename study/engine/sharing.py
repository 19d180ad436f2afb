"""What sharing saved: requests of stages against stages that were really trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True)
class Sharing:
    """Counts of a run, all its sessions together.

    Attributes:
        stages_requested: stages of all rows and trials, each as often as it is asked for.
        stages_distinct: the same, each once.
        stages_trained: those that this run has trained.
        stages_found: those that another run had finished, in a store that both name.
        trained_core_s: core seconds spent on what this run has trained.
        core_s_saved: core seconds of all requests that needed no training.
        stages_pruned: those that were given up on the way, because their trials were.
        pruned_core_s: core seconds spent on these.
    """

    stages_requested: int
    stages_distinct: int
    stages_trained: int
    stages_found: int
    trained_core_s: float
    core_s_saved: float
    stages_pruned: int = 0
    pruned_core_s: float = 0.0


def count_sharing(
    requests: Mapping[str, int],
    core_s: Mapping[str, float],
    found: Collection[str],
    pruned: Collection[str] = (),
    pruned_core_s: float = 0.0,
) -> Sharing:
    """Count what was shared.

    Args:
        requests: how often each stage was asked for, by key.
        core_s: core seconds of the finished stages, by key.
        found: keys of finished stages that another run has trained.
        pruned: keys of stages that were given up on the way.
        pruned_core_s: core seconds spent on these.
    """
    trained = core_s.keys() - set(found)
    trained_core_s = sum(core_s[key] for key in sorted(trained))
    return Sharing(
        stages_requested=sum(requests.values()),
        stages_distinct=len(requests),
        stages_trained=len(trained),
        stages_found=len(core_s) - len(trained),
        trained_core_s=trained_core_s,
        core_s_saved=sum(requests[key] * core_s[key] for key in sorted(core_s)) - trained_core_s,
        stages_pruned=len(set(pruned) - core_s.keys()),
        pruned_core_s=pruned_core_s,
    )
