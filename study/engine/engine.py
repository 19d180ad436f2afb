"""The engine: trains packs through an executor as their parents finish, and keeps every finished stage."""

from __future__ import annotations

import math
import time
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.engine.executors import PackFailedError
from study.engine.progress import Failure, Progress
from study.engine.sharing import Sharing, count_sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from asteroid.stages.stage import StageResult, StageSpec
    from study.engine.executors import Executor
    from study.engine.store import StageStore
    from study.recipes.packs import Pack


#: How often a pack is trained in all before the run gives up.
ATTEMPTS = 3


@dataclass(frozen=True)
class _Running:
    """A pack in training: what of it is wanted, and the model-steps that this takes."""

    pack: Pack
    wanted: frozenset[str]
    begun: int
    steps: int


class StageEngine:
    """Finished stages of a run, and the way to more of them.

    Args:
        store: where finished stages are looked up and kept.
        on_progress: called at every change worth showing.
        on_note: called with a line about something that was repaired.
        on_kept: called when stages of a pack have been kept, from the thread that called `train`.

    Attributes:
        results: every finished stage by key.
        unfinished: stages whose training was interrupted, by key.
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
        self.unfinished: dict[str, StageResult] = {}
        self.failures: list[Failure] = []
        self._trials: tuple[int, int, float | None] = (0, 0, None)
        self._attempts: Counter[str] = Counter()
        self._store = store
        self._on_progress, self._on_note, self._on_kept = on_progress, on_note, on_kept
        self._requests: Counter[str] = Counter()
        self._found: set[str] = set()
        self._running: dict[Future[list[StageResult]], _Running] = {}
        self._pruned: set[str] = set()
        self._pruned_core_s = 0.0
        self._n_requests = 0
        self._trained_core_s = 0.0  # running totals: the listener is told often
        self._known: dict[str, StageSpec] = {}
        self._by_kind: dict[str, list[int]] = {}  # finished, in all
        self._best: dict[str, float] = {}
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
        return count_sharing(self._requests, core_s, self._found, self._pruned, self._pruned_core_s)

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
            if spec.key in self._pruned and to_train:
                self._pruned.remove(spec.key)
                missing.append(spec)
            elif spec.key not in self._known:
                was_there = spec.key in self._store
                found = self._find(spec.key)
                torn += was_there and not found
                if not (found or to_train):
                    continue
                self._know(spec)
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
        self._enter(result)
        self._kept += 1
        if self._store.is_of_another_run(key):
            self._found.add(key)
        else:
            self._trained_core_s += result.core_s
        return True

    def _know(self, spec: StageSpec) -> None:
        """Take up a stage that is asked for."""
        with self._lock:
            self._known[spec.key] = spec
            self._by_kind.setdefault(spec.kind, [0, 0])[1] += 1
        if spec.key in self.results:
            self._count_finished(self.results[spec.key])

    def _enter(self, result: StageResult) -> None:
        """Take up a finished stage."""
        with self._lock:
            self.results[result.key] = result
        if result.key in self._known:
            self._count_finished(result)

    def _count_finished(self, result: StageResult) -> None:
        kind, error = self._known[result.key].kind, result.val_force_mae_ev_ang
        with self._lock:
            self._by_kind[kind][0] += 1
            if not math.isnan(error):
                self._best[kind] = min(self._best.get(kind, math.inf), error)

    @property
    def in_training(self) -> frozenset[str]:
        """Keys of the stages that are being trained."""
        return frozenset(key for run in self._running.values() for key in run.wanted)

    @property
    def packs_in_training(self) -> int:
        """How many packs are being trained."""
        return len(self._running)

    def steps_done(self, key: str) -> float:
        """Steps of a stage that are done; inf where it is finished."""
        return math.inf if key in self.results else _steps_of(self.unfinished.get(key))

    def train(self, packs: Iterable[Pack], executor: Executor, among: Collection[str] | None = None) -> None:
        """Train what is missing of the packs; stages whose parents failed are left out.

        A pack that fails is trained again as it was, so that its arithmetic is the same.

        Args:
            packs: in the order in which they are begun, as far as their parents are finished.
            executor: trains them.
            among: keys of the stages that are wanted; None for all.

        Raises:
            InputError: from a pack; it would only be raised again.
            PackFailedError: a pack failed `ATTEMPTS` times, or the executor gave up on it.
        """
        waiting = list(packs)
        try:
            while waiting or self._running:
                ahead = {spec.key for pack in waiting for spec in pack.specs} | self.in_training
                for pack in list(waiting):
                    if len(self._running) >= executor.slots:
                        break
                    if ahead.intersection(pack.parents) - self.results.keys():
                        continue  # a parent is still to come
                    waiting.remove(pack)
                    self.begin(pack, executor, among)
                if self._running:
                    self.await_one(executor)
        finally:
            self.abandon()

    def begin(self, pack: Pack, executor: Executor, among: Collection[str] | None = None) -> None:
        """Submit what is missing of a pack, if anything is."""
        executor.on_retry = self._note_retry
        self._find_late(pack, among)
        wanted = self._wanted(pack, among)
        if wanted:
            begun = max(_steps_of(self.unfinished.get(key)) for key in wanted)
            steps = (pack.until or pack.specs[0].steps) - begun
            self._submit(_Running(pack, wanted, begun, steps * len(wanted)), executor)

    def await_one(self, executor: Executor) -> None:
        """Wait until a pack is finished; keep it, or submit it again where it failed.

        Raises:
            InputError: from a pack; it would only be raised again.
            PackFailedError: a pack failed `ATTEMPTS` times, or the executor gave up on it.
        """
        finished = wait(self._running, return_when=FIRST_COMPLETED).done
        # One at a time, lest a free worker wait for the others' results; failures last, as they may raise.
        future = min(finished, key=lambda f: f.exception() is not None)
        run = self._running.pop(future)
        error = future.exception()
        if error is None:
            self._keep(run, future.result())
        else:
            self._refuse_last_failure(run.pack, error)
            self._submit(run, executor)

    @property
    def one_is_finished(self) -> bool:
        """Whether `await_one` would not have to wait."""
        return any(future.done() for future in self._running)

    def abandon(self) -> None:
        """Cancel what has not begun, and forget what is in training."""
        for future in self._running:
            future.cancel()
        self._running.clear()

    def prune(self, keys: Iterable[str]) -> float:
        """Forget stages that nobody wants any more and that are not in training; an interrupted one is never finished.

        Returns:
            CPU seconds that were spent on them.
        """
        spent_s = 0.0
        for key in keys:
            spent = self.unfinished.pop(key, None)
            if key in self._known and key not in self.results and key not in self._pruned:
                spent_s += spent.core_s if spent else 0.0
                self._pruned.add(key)
                self._steps_total -= self._known[key].steps - _steps_of(spent)
        self._pruned_core_s += spent_s
        return spent_s

    def recall_pruned(self, stages: Iterable[StageSpec], core_s: float) -> None:
        """Take note of the stages of a trial that an earlier session has pruned, for the ledger."""
        for spec in stages:
            if spec.key not in self._known:
                if not self._find(spec.key):
                    self._pruned.add(spec.key)
                self._know(spec)
            self._requests[spec.key] += 1
            self._n_requests += 1
        self._pruned_core_s += core_s
        self._trained_core_s += core_s

    def announce(self, activity: str) -> None:
        """Tell the listener where the run stands."""
        trials_done, trials_total, best_trial_ev_ang = self._trials
        with self._lock:
            progress = Progress(
                activity=activity,
                stages_done=len(self.results),
                stages_total=len(self._known),
                stages_kept=self._kept,
                steps_done=self._steps_done + sum(self._steps_in_flight.values()),
                steps_total=self._steps_total,
                elapsed_s=time.monotonic() - self._began,
                best_val_ev_ang=dict(self._best),
                done_by_kind={kind: (done, total) for kind, (done, total) in self._by_kind.items()},
                stages_shared=self._n_requests - len(self._requests) + len(self._found),
                core_s=self._trained_core_s,
                trials_done=trials_done,
                trials_total=trials_total,
                best_trial_ev_ang=best_trial_ev_ang,
            )
        self._on_progress(progress)

    def count_trials(self, done: int, total: int, best_ev_ang: float | None) -> None:
        """Tell the listener how far the searches are."""
        self._trials = (done, total, best_ev_ang)
        self.announce("searching")

    def start_clock(self) -> None:
        """Count elapsed time from here: labels are loaded and described."""
        self._began = time.monotonic()

    def _find_late(self, pack: Pack, among: Collection[str] | None) -> None:
        """Take over what another run has finished in the meantime."""
        for spec in pack.specs:
            if (among is None or spec.key in among) and spec.key not in self.results and self._find(spec.key):
                begun = self.unfinished.pop(spec.key, None)
                self._steps_total -= spec.steps - _steps_of(begun)
                self._pruned_core_s += begun.core_s if begun else 0.0

    def _wanted(self, pack: Pack, among: Collection[str] | None) -> frozenset[str]:
        """Stages of a pack that are missing and have all their parents."""
        return frozenset(
            spec.key
            for spec in pack.specs
            if spec.key not in self.results
            and (pack.until is None or _steps_of(self.unfinished.get(spec.key)) < pack.until)
            and (among is None or spec.key in among)
            and all(self._usable(key) for key in spec.parents)
        )

    def _usable(self, key: str) -> bool:
        return key in self.results and self.results[key].status == "ok"

    def _submit(self, run: _Running, executor: Executor) -> None:
        pack = run.pack.only(run.wanted)
        parents = {key: self.results[key].model for key in pack.parents}
        earlier = {key: self.unfinished[key] for key in run.wanted} if run.begun else None
        what = f"{pack.kind}: {len(run.wanted)} models on {pack.specs[0].train.level}"
        place = run.pack.specs[0].key

        def on_validation(step: int, _: list[float]) -> None:
            with self._lock:
                self._steps_in_flight[place] = (step - run.begun) * len(run.wanted)
            self.announce(what)

        self.announce(what)
        self._running[executor.submit(pack, parents, on_validation, earlier)] = run

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

    def _keep(self, run: _Running, results: Sequence[StageResult]) -> None:
        # By the places of the full pack: the same stage trained in a filler's place may differ in the last bits.
        for spec, result in zip(run.pack.specs, results, strict=True):
            if spec.key in run.wanted:
                earlier = self.unfinished.pop(spec.key, None)
                if result.interrupted is None:
                    self._store.save(result)
                    self._enter(result)
                else:
                    self.unfinished[spec.key] = result
                self._trained_core_s += result.core_s - (earlier.core_s if earlier else 0.0)
        self._attempts.pop(run.pack.specs[0].key, None)  # the next part of the training may fail as often
        with self._lock:
            self._steps_in_flight.pop(run.pack.specs[0].key, None)
            self._steps_done += run.steps
        done = "finished" if run.pack.until is None else f"at step {run.pack.until}"
        self.announce(f"{run.pack.kind}: {len(run.wanted)} models {done}")
        self._on_kept()


def _name(pack: Pack) -> str:
    return f"a pack ({pack.kind}, {len(pack.specs)} models)"


def _steps_of(result: StageResult | None) -> int:
    """Steps that an interrupted stage has done."""
    fit = result.interrupted if result else None
    return fit.checkpoint.step if fit and fit.checkpoint else 0
