"""Where a run stands, as its listeners see it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Failure:
    """An attempt to train a pack that failed.

    Attributes:
        kind: kind of the pack's stages.
        first_stage: key of its first stage.
        reason: what went wrong, in one line.
        traceback: where it did; empty where a worker died without telling.
    """

    kind: str
    first_stage: str
    reason: str
    traceback: str = ""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        activity: what is being done, in words.
        stages_done: finished stages, those of earlier runs included.
        stages_total: distinct stages known so far.
        stages_kept: stages found finished, by an earlier session of the run or by another run.
        steps_done: model-steps trained by this process.
        steps_total: model-steps that this process has to train, as far as known.
        elapsed_s: wall seconds since training began.
        best_val_ev_ang: by kind of stage, the lowest validation error so far.
        done_by_kind: by kind of stage, (finished, in all).
        stages_shared: requests of rows and trials so far that need no training of their own.
        core_s: core seconds that the run has spent on training.
        trials_done: trials of all searches that are told.
        trials_total: trials of all searches.
        best_trial_ev_ang: lowest cross-validated error of a trial; None before the first.
    """

    activity: str
    stages_done: int
    stages_total: int
    stages_kept: int
    steps_done: int = 0
    steps_total: int = 0
    elapsed_s: float = 0.0
    best_val_ev_ang: dict[str, float] = field(default_factory=dict)
    done_by_kind: dict[str, tuple[int, int]] = field(default_factory=dict)
    stages_shared: int = 0
    core_s: float = 0.0
    trials_done: int = 0
    trials_total: int = 0
    best_trial_ev_ang: float | None = None

    @property
    def left_s(self) -> float | None:
        """Expected wall seconds until all known stages are trained."""
        if not self.steps_done:
            return None
        return self.elapsed_s * (self.steps_total - self.steps_done) / self.steps_done
