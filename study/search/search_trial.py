"""One trial of a search on its way: its chains, the points at which it may be pruned, and its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from asteroid.stages.stage import KernelStage
from study.search.pruning import rung_steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optuna.trial import Trial

    from asteroid.stages.stage import StageSpec
    from study.recipes.cross_validation import Fold
    from study.recipes.search import Search


@dataclass(eq=False)
class SearchTrial:
    """A trial on its way.

    Attributes:
        search: its study.
        index: its place in the study.
        trial: Optuna's trial; None where an earlier session has told it.
        folds: the chains that score it.
        values: validation errors at the rungs that it has passed, eV/Å.
        state: RUNNING until it is told.
        failing: a stage has failed; it is told as soon as none of its own is in training.
    """

    search: Search
    index: int
    trial: Trial | None
    folds: tuple[Fold, ...]
    values: list[float] = field(default_factory=list)
    state: TrialState = TrialState.RUNNING
    failing: bool = False

    @property
    def running(self) -> bool:
        """Whether it is still to be told."""
        return self.state == TrialState.RUNNING

    @property
    def last_stages(self) -> list[StageSpec]:
        """The stages whose errors count."""
        return [fold.chain[-1] for fold in self.folds]

    @property
    def stages(self) -> list[StageSpec]:
        """All its stages, fold by fold."""
        return [spec for fold in self.folds for spec in fold.chain]

    @property
    def keys(self) -> set[str]:
        """Keys of all its stages."""
        return {spec.key for spec in self.stages}

    def reaches(self, rung: int) -> bool:
        """Whether it trains towards a rung: 0 is the first, the number of rungs is the end."""
        if self.state in (TrialState.RUNNING, TrialState.COMPLETE):
            return True
        passed = len(self.values)
        return rung < passed if self.state == TrialState.PRUNED else rung <= passed

    def step_at(self, rung: int) -> int | None:
        """Step of a rung; None at the end, where nothing is left to be saved."""
        pruning, last = self.search.section.pruning, self.last_stages[0]
        if pruning is None or isinstance(last, KernelStage) or rung >= len(pruning.shares):  # a kernel has no steps
            return None
        step = rung_steps(pruning, last.schedule)[rung]
        return step if step < last.steps else None


def wanted_by_others(trial: SearchTrial, others: Iterable[SearchTrial]) -> set[str]:
    """Keys of the stages that other running trials want."""
    return {key for other in others if other is not trial and other.running for key in other.keys}
