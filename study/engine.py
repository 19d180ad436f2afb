"""The engine: trains packs through an executor as their parents finish, and keeps every finished stage."""

from __future__ import annotations

import math
import time
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.executors import PackFailedError
from study.sharing import Sharing, count_sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asteroid.stages import StageResult, StageSpec
    from study.executors import Executor
    from study.packs import Pack
    from study.store import StageStore


#: How often a pack is trained in all before the run gives up.
ATTEMPTS = 3


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


class StageEngine:
    """Finished stages of a run, and the way to more of them.

    Args:
        store: where finished stages are looked up and kept.
        on_progress: called at every change worth showing.
        on_note: called with a line about something that was repaired.
        on_kept: called when stages of a pack have been kept, from the thread that called `train`.

    Attributes:
        results: every finished stage by key.
        failures: attempts that failed, in the order of time.
    """

    def __init__(
        self,
        store: StageStore,
        on_progress: Callable[[Progress], None],
        on_note: Callable[[str], None],
        on_kept: Callable[[], None],
    ) -> None:
        self.results: dict[str, StageResult] = {}
        self.failures: list[Failure] = []
        self._trials: tuple[int, int, float | None] = (0, 0, None)
        self._attempts: Counter[str] = Counter()
        self._store = store
        self._on_progress, self._on_note, self._on_kept = on_progress, on_note, on_kept
        self._requests: Counter[str] = Counter()
        self._found: set[str] = set()
        self._n_requests = 0
        self._trained_core_s = 0.0  # running totals: the listener is told often
        self._known: dict[str, StageSpec] = {}
        self._kept = 0
        self._steps_done = 0
        self._steps_total = 0
        self._steps_in_flight: dict[str, int] = {}
        self._began = time.monotonic()
        self._lock = Lock()  # executors report validations from their own threads

    @property
    def known(self) -> dict[str, StageSpec]:
        """Every stage that the run has asked for so far, by key."""
        return self._known

    @property
    def sharing(self) -> Sharing:
        """Requests so far against what was trained for them."""
        with self._lock:
            core_s = {key: result.core_s for key, result in self.results.items()}
        return count_sharing(self._requests, core_s, self._found)

    def recall(self, stages: Iterable[StageSpec], *, to_train: bool = True) -> list[StageSpec]:
        """Load the finished ones of these stages from the store; a torn one is removed.

        Args:
            stages: each as often as it is asked for.
            to_train: whether those that are missing will be trained; else they are passed over.

        Returns:
            those that are still to be trained, each once.
        """
        missing = []
        torn = 0
        for spec in stages:
            if spec.key not in self._known:
                was_there = spec.key in self._store
                found = self._find(spec.key)
                torn += was_there and not found
                if not (found or to_train):
                    continue
                self._known[spec.key] = spec
                if not found:
                    missing.append(spec)
            self._requests[spec.key] += 1
            self._n_requests += 1
        if torn:
            self._on_note(f"{torn} finished stages were damaged in the store: they are trained again")
        self._steps_total += sum(spec.steps for spec in missing)
        return missing

    def _find(self, key: str) -> bool:
        """Load a stage if it is finished."""
        if key not in self._store:
            return False
        try:
            result = self._store.load(key)
        except KeyError:
            self._store.discard(key)
            return False
        with self._lock:
            self.results[key] = result
        self._kept += 1
        if self._store.is_of_another_run(key):
            self._found.add(key)
        else:
            self._trained_core_s += result.core_s
        return True

    def train(self, packs: Iterable[Pack], executor: Executor) -> None:
        """Train what is missing of the packs; stages whose parents failed are left out.

        A pack that fails is trained again as it was, so that its arithmetic is the same.

        Raises:
            InputError: from a pack; it would only be raised again.
            PackFailedError: a pack failed `ATTEMPTS` times, or the executor gave up on it.
        """
        waiting = list(packs)
        executor.on_retry = self._note_retry
        running: dict[Future[list[StageResult]], tuple[Pack, frozenset[str]]] = {}
        try:
            while waiting or running:
                ahead = {spec.key for pack in waiting for spec in pack.specs}
                ahead.update(key for _, wanted in running.values() for key in wanted)
                for pack in list(waiting):
                    if len(running) >= executor.slots:
                        break
                    if ahead.intersection(pack.parents) - self.results.keys():
                        continue  # a parent is still to come
                    waiting.remove(pack)
                    self._find_late(pack)
                    wanted = self._wanted(pack)
                    if wanted:
                        running[self._submit(pack, wanted, executor)] = (pack, wanted)
                finished = wait(running, return_when=FIRST_COMPLETED).done
                # What is good is kept before what has failed is raised.
                for future in sorted(finished, key=lambda f: f.exception() is not None):
                    pack, wanted = running.pop(future)
                    error = future.exception()
                    if error is None:
                        self._keep(pack, wanted, future.result())
                    else:
                        self._refuse_last_failure(pack, error)
                        running[self._submit(pack, wanted, executor)] = (pack, wanted)
        finally:
            for future in running:
                future.cancel()

    def announce(self, activity: str) -> None:
        """Tell the listener where the run stands."""
        done: dict[str, tuple[int, int]] = {}
        best: dict[str, float] = {}
        trials_done, trials_total, best_trial_ev_ang = self._trials
        with self._lock:
            for key, spec in self._known.items():
                finished, total = done.get(spec.kind, (0, 0))
                result = self.results.get(key)
                done[spec.kind] = (finished + (result is not None), total + 1)
                if result is not None and not math.isnan(result.val_force_mae_ev_ang):
                    best[spec.kind] = min(best.get(spec.kind, float("inf")), result.val_force_mae_ev_ang)
            progress = Progress(
                activity=activity,
                stages_done=len(self.results),
                stages_total=len(self._known),
                stages_kept=self._kept,
                steps_done=self._steps_done + sum(self._steps_in_flight.values()),
                steps_total=self._steps_total,
                elapsed_s=time.monotonic() - self._began,
                best_val_ev_ang=best,
                done_by_kind=done,
                stages_shared=self._n_requests - len(self._requests) + len(self._found),
                core_s=self._trained_core_s,
                trials_done=trials_done,
                trials_total=trials_total,
                best_trial_ev_ang=best_trial_ev_ang,
            )
        self._on_progress(progress)

    def count_trials(self, done: int, total: int, best_ev_ang: float | None) -> None:
        """Take note of how far the searches are, for the listener."""
        self._trials = (done, total, best_ev_ang)

    def start_clock(self) -> None:
        """Count elapsed time from here: labels are loaded and described."""
        self._began = time.monotonic()

    def _find_late(self, pack: Pack) -> None:
        """Take over what another run has finished in the meantime."""
        for spec in pack.specs:
            if spec.key not in self.results and self._find(spec.key):
                self._steps_total -= spec.steps

    def _wanted(self, pack: Pack) -> frozenset[str]:
        """Stages of a pack that are missing and have all their parents."""
        return frozenset(
            spec.key
            for spec in pack.specs
            if spec.key not in self.results and all(self._usable(key) for key in spec.parents)
        )

    def _usable(self, key: str) -> bool:
        return key in self.results and self.results[key].status == "ok"

    def _submit(self, pack: Pack, wanted: frozenset[str], executor: Executor) -> Future[list[StageResult]]:
        filled = pack.only(wanted)
        parents = {key: self.results[key].model for key in filled.parents}
        what = f"{pack.kind}: {len(wanted)} models on {pack.specs[0].train.level}"
        place = pack.specs[0].key

        def on_validation(step: int, _: list[float]) -> None:
            with self._lock:
                self._steps_in_flight[place] = step * len(wanted)
            self.announce(what)

        self.announce(what)
        return executor.submit(filled, parents, on_validation)

    def _refuse_last_failure(self, pack: Pack, error: BaseException) -> None:
        """Remember a failure; raise where the pack is not to be trained again."""
        if isinstance(error, InputError) or not isinstance(error, Exception):
            raise error
        place = pack.specs[0].key
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        report = "".join(traceback.format_exception(error))
        with self._lock:
            self.failures.append(Failure(pack.kind, place, reason, report))
            self._steps_in_flight.pop(place, None)
        if isinstance(error, PackFailedError):
            raise error
        self._attempts[place] += 1
        if self._attempts[place] >= ATTEMPTS:
            raise PackFailedError(f"{_name(pack)} failed {ATTEMPTS} times, the last time with {reason}") from error
        self._on_note(f"{_name(pack)} failed and is trained again: {reason}")

    def _note_retry(self, pack: Pack, reason: str) -> None:
        """Remember what the executor has dealt with."""
        with self._lock:
            self.failures.append(Failure(pack.kind, pack.specs[0].key, reason))
        self._on_note(f"{_name(pack)} is trained again: {reason}")

    def _keep(self, pack: Pack, wanted: frozenset[str], results: list[StageResult]) -> None:
        # By the places of the full pack: the same stage trained in a filler's place may differ in the last bits.
        for spec, result in zip(pack.specs, results, strict=True):
            if spec.key in wanted:
                self._store.save(result)
                with self._lock:
                    self.results[spec.key] = result
                    self._trained_core_s += result.core_s
        with self._lock:
            self._steps_in_flight.pop(pack.specs[0].key, None)
            self._steps_done += pack.specs[0].steps * len(wanted)
        self.announce(f"{pack.kind}: {len(wanted)} models finished")
        self._on_kept()


def _name(pack: Pack) -> str:
    return f"a pack ({pack.kind}, {len(pack.specs)} models)"
