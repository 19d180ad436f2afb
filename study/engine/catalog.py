"""The stages that a run has asked for and how far each is, with the store of finished ones behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from study.engine.sharing import Sharing, SharingLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asteroid.stages.stage import StageResult, StageSpec
    from study.engine.progress import ProgressCounter
    from study.engine.store import StageStore


class StageCatalog:
    """Every stage of a run: requested, and then finished, interrupted, pruned or still to be trained.

    Used from one thread, that of the driver.

    Args:
        store: where finished stages are looked up and kept.
        progress: told what is requested, found, finished and pruned.
        on_note: called with a line about stages that were damaged.

    Attributes:
        requested: every stage that the run has asked for so far, by key.
        finished: the finished ones by key.
        interrupted: those whose training was interrupted, by key.
    """

    def __init__(self, store: StageStore, progress: ProgressCounter, on_note: Callable[[str], None]) -> None:
        self.requested: dict[str, StageSpec] = {}
        self.finished: dict[str, StageResult] = {}
        self.interrupted: dict[str, StageResult] = {}
        self._store, self._progress, self._on_note = store, progress, on_note
        self._ledger = SharingLedger()

    @property
    def sharing(self) -> Sharing:
        """Requests so far against what was trained for them."""
        core_s = {key: result.core_s for key, result in self.finished.items()}
        return self._ledger.count(core_s, {key: result.cuda_s for key, result in self.finished.items()})

    def request(self, stages: Iterable[StageSpec], *, to_train: bool = True) -> list[StageSpec]:
        """Ask for stages: finished ones are loaded from the store, a torn one is removed from it.

        Args:
            stages: each as often as it is asked for.
            to_train: whether those that are missing will be trained; else they are passed over.

        Returns:
            those that are still to be trained, each once.
        """
        missing = []
        torn = 0
        for spec in stages:
            if spec.key in self._ledger.pruned and to_train:
                self._ledger.pruned.remove(spec.key)
                missing.append(spec)
            elif spec.key not in self.requested:
                was_there = spec.key in self._store
                result = self._load(spec.key)
                torn += was_there and result is None
                if result is None and not to_train:
                    continue
                self._add(spec, result)
                if result is None:
                    missing.append(spec)
            self._count_request(spec.key)
        if torn:
            self._on_note(f"{torn} finished stages were damaged in the store: they are trained again")
        self._progress.add_steps(sum(spec.effort for spec in missing))
        return missing

    def request_pruned(self, stages: Iterable[StageSpec], core_s: float) -> None:
        """Take note of the stages of a trial that an earlier session has pruned, for the ledger.

        Args:
            stages: of the trial.
            core_s: core seconds that were spent on those that were given up.
        """
        for spec in stages:
            if spec.key not in self.requested:
                result = self._load(spec.key)
                if result is None:
                    self._ledger.pruned.add(spec.key)
                self._add(spec, result)
            self._count_request(spec.key)
        self._ledger.pruned_core_s += core_s
        self._progress.add_core_s(core_s)

    def look_again(self, stages: Iterable[StageSpec]) -> None:
        """Take over what another run has finished in the meantime."""
        for spec in stages:
            result = None if spec.key in self.finished else self._load(spec.key)
            if result is not None:
                self._finish(spec, result)
                interrupted = self.interrupted.pop(spec.key, None)
                self._progress.add_steps(_steps_of(interrupted) - spec.effort)
                self._ledger.pruned_core_s += interrupted.core_s if interrupted else 0.0

    def keep(self, spec: StageSpec, result: StageResult) -> None:
        """Keep what training has returned: in the store where it is finished, else until it goes on.

        Raises:
            OSError: the disk is full or cannot be written to.
        """
        earlier = self.interrupted.pop(spec.key, None)
        if result.interrupted is None:
            self._store.save(result)
            self._finish(spec, result)
        else:
            self.interrupted[spec.key] = result
        self._progress.add_core_s(result.core_s - (earlier.core_s if earlier else 0.0))

    def prune(self, keys: Iterable[str]) -> float:
        """Forget stages that nobody wants any more and that are not in training; an interrupted one is never finished.

        Returns:
            core seconds that were spent on them.
        """
        spent_s = 0.0
        for key in keys:
            interrupted = self.interrupted.pop(key, None)
            if key in self.requested and key not in self.finished and key not in self._ledger.pruned:
                spent_s += interrupted.core_s if interrupted else 0.0
                self._ledger.pruned.add(key)
                self._progress.add_steps(_steps_of(interrupted) - self.requested[key].effort)
        self._ledger.pruned_core_s += spent_s
        return spent_s

    def latest(self, key: str) -> StageResult | None:
        """A stage as far as it is trained: finished, interrupted, or None."""
        return self.finished.get(key) or self.interrupted.get(key)

    def steps_done(self, key: str) -> float:
        """Steps of a stage that are done; inf where it is finished."""
        return math.inf if key in self.finished else _steps_of(self.interrupted.get(key))

    def has_parents_of(self, spec: StageSpec) -> bool:
        """Whether all parents of a stage are finished, none of them with a failure."""
        parents = [self.finished.get(key) for key in spec.parents]
        return all(parent is not None and parent.status == "ok" for parent in parents)

    def _load(self, key: str) -> StageResult | None:
        """A finished stage from the store; a torn one is removed."""
        if key not in self._store:
            return None
        try:
            result = self._store.load(key)
        except KeyError:
            self._store.discard(key)
            return None
        self._progress.count_kept()
        if self._store.is_of_another_run(key):
            self._ledger.found.add(key)
            self._progress.count_shared()
        else:
            self._progress.add_core_s(result.core_s)
        return result

    def _add(self, spec: StageSpec, result: StageResult | None) -> None:
        self.requested[spec.key] = spec
        self._progress.count_stage(spec.kind)
        if result is not None:
            self._finish(spec, result)

    def _finish(self, spec: StageSpec, result: StageResult) -> None:
        self.finished[spec.key] = result
        self._progress.count_finished(spec.kind, result.val_force_mae_ev_ang)

    def _count_request(self, key: str) -> None:
        if key in self._ledger.requests:
            self._progress.count_shared()
        self._ledger.requests[key] += 1


def _steps_of(result: StageResult | None) -> int:
    """Steps that an interrupted stage has done."""
    fit = result.interrupted if result else None
    return fit.checkpoint.step if fit and fit.checkpoint else 0
