"""Where a run stands, counted as it goes on and told to a listener."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        activity: what is being done, in words.
        stages_done: finished stages, those of earlier runs included.
        stages_total: distinct stages known so far.
        stages_kept: stages found finished, by an earlier session of the run or by another run.
        steps_done: model-steps trained by this process; a kernel, which has none, counts as its `effort`.
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
    steps_done: float = 0
    steps_total: float = 0
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


class ProgressCounter:
    """Running totals behind `Progress`, which is told often; safe to use from several threads.

    Args:
        on_progress: the listener, called at every change worth showing.
    """

    def __init__(self, on_progress: Callable[[Progress], None]) -> None:
        self._on_progress = on_progress
        self._lock = Lock()  # executors report validations from their own threads
        self._began = time.monotonic()
        self._done: dict[str, int] = {}  # finished stages by kind
        self._total: dict[str, int] = {}
        self._best: dict[str, float] = {}
        self._kept = self._shared = 0
        self._core_s = 0.0
        self._steps_done = self._steps_total = 0.0
        self._steps_in_training: dict[str, int] = {}
        self._trials: tuple[int, int, float | None] = (0, 0, None)

    def start_clock(self) -> None:
        """Count elapsed time from here: labels are loaded and described."""
        self._began = time.monotonic()

    def count_stage(self, kind: str) -> None:
        """Count a stage that is asked for the first time."""
        with self._lock:
            self._total[kind] = self._total.get(kind, 0) + 1
            self._done.setdefault(kind, 0)

    def count_finished(self, kind: str, val_force_mae_ev_ang: float) -> None:
        """Count a finished stage; an error of NaN is none."""
        with self._lock:
            self._done[kind] += 1
            if not math.isnan(val_force_mae_ev_ang):
                self._best[kind] = min(self._best.get(kind, math.inf), val_force_mae_ev_ang)

    def count_kept(self) -> None:
        """Count a stage that was found finished."""
        self._kept += 1

    def count_shared(self) -> None:
        """Count a request that needs no training of its own."""
        self._shared += 1

    def add_core_s(self, core_s: float) -> None:
        """Count core seconds that the run has spent on training, in whatever session."""
        self._core_s += core_s

    def add_steps(self, steps: float) -> None:
        """Count model-steps that are to be trained; negative where they no longer are."""
        self._steps_total += steps

    def set_in_training(self, pack: str, steps: int) -> None:
        """Note how many model-steps a pack in training has done; a pack goes by the key of its first stage."""
        with self._lock:
            self._steps_in_training[pack] = steps

    def end_training(self, pack: str, steps: float) -> None:
        """Count the model-steps of a pack that is trained; 0 where it failed."""
        with self._lock:
            self._steps_in_training.pop(pack, None)
            self._steps_done += steps

    def count_trials(self, done: int, total: int, best_ev_ang: float | None) -> None:
        """Tell the listener how far the searches are."""
        self._trials = (done, total, best_ev_ang)
        self.announce("searching")

    def announce(self, activity: str) -> None:
        """Tell the listener where the run stands."""
        trials_done, trials_total, best_trial_ev_ang = self._trials
        with self._lock:
            progress = Progress(
                activity=activity,
                stages_done=sum(self._done.values()),
                stages_total=sum(self._total.values()),
                stages_kept=self._kept,
                steps_done=self._steps_done + sum(self._steps_in_training.values()),
                steps_total=self._steps_total,
                elapsed_s=time.monotonic() - self._began,
                best_val_ev_ang=dict(self._best),
                done_by_kind={kind: (self._done[kind], total) for kind, total in self._total.items()},
                stages_shared=self._shared,
                core_s=self._core_s,
                trials_done=trials_done,
                trials_total=trials_total,
                best_trial_ev_ang=best_trial_ev_ang,
            )
        self._on_progress(progress)
