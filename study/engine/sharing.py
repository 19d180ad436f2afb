"""What sharing saved: requests of stages against stages that were really trained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        trained_cuda_s: seconds for which what this run has trained kept a GPU.
    """

    stages_requested: int
    stages_distinct: int
    stages_trained: int
    stages_found: int
    trained_core_s: float
    core_s_saved: float
    stages_pruned: int = 0
    pruned_core_s: float = 0.0
    trained_cuda_s: float = 0.0


@dataclass
class SharingLedger:
    """What `Sharing` is counted from.

    Attributes:
        requests: how often each stage was asked for, by key.
        found: keys of finished stages that another run has trained.
        pruned: keys of stages that were given up on the way.
        pruned_core_s: core seconds spent on these.
    """

    requests: Counter[str] = field(default_factory=Counter)
    found: set[str] = field(default_factory=set)
    pruned: set[str] = field(default_factory=set)
    pruned_core_s: float = 0.0

    def count(self, core_s: Mapping[str, float], cuda_s: Mapping[str, float] | None = None) -> Sharing:
        """Count what was shared.

        Args:
            core_s: core seconds of the finished stages, by key.
            cuda_s: their seconds on a GPU; None for none.
        """
        trained = core_s.keys() - self.found
        trained_core_s = sum(core_s[key] for key in sorted(trained))
        return Sharing(
            stages_requested=sum(self.requests.values()),
            stages_distinct=len(self.requests),
            stages_trained=len(trained),
            stages_found=len(core_s) - len(trained),
            trained_core_s=trained_core_s,
            core_s_saved=sum(self.requests[key] * core_s[key] for key in sorted(core_s)) - trained_core_s,
            stages_pruned=len(self.pruned - core_s.keys()),
            pruned_core_s=self.pruned_core_s,
            trained_cuda_s=sum((cuda_s or {}).get(key, 0.0) for key in sorted(trained)),
        )
