"""The engine: trains packs through an executor as their parents finish, and keeps every finished stage."""

from __future__ import annotations

import math
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from study.sharing import Sharing, count_sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asteroid.stages import StageResult, StageSpec
    from study.executors import Executor
    from study.packs import Pack
    from study.store import StageStore


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
    """

    def __init__(
        self,
        store: StageStore,
        on_progress: Callable[[Progress], None],
        on_note: Callable[[str], None],
        on_kept: Callable[[], None],
    ) -> None:
        self.results: dict[str, StageResult] = {}
        self._store = store
        self._on_progress, self._on_note, self._on_kept = on_progress, on_note, on_kept
        self._requests: Counter[str] = Counter()
        self._found: set[str] = set()
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
        return True

    def train(self, packs: Iterable[Pack], executor: Executor) -> None:
        """Train what is missing of the packs; stages whose parents failed are left out.

        Raises:
            Exception: what a pack raised in the executor.
        """
        waiting = list(packs)
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
                    self._keep(*running.pop(future), future.result())
        finally:
            for future in running:
                future.cancel()

    def announce(self, activity: str) -> None:
        """Tell the listener where the run stands."""
        done: dict[str, tuple[int, int]] = {}
        best: dict[str, float] = {}
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
            )
        self._on_progress(progress)

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

    def _keep(self, pack: Pack, wanted: frozenset[str], results: list[StageResult]) -> None:
        # By the places of the full pack: the same stage trained in a filler's place may differ in the last bits.
        for spec, result in zip(pack.specs, results, strict=True):
            if spec.key in wanted:
                self._store.save(result)
                with self._lock:
                    self.results[spec.key] = result
        with self._lock:
            self._steps_in_flight.pop(pack.specs[0].key, None)
            self._steps_done += pack.specs[0].steps * len(wanted)
        self.announce(f"{pack.kind}: {len(wanted)} models finished")
        self._on_kept()
