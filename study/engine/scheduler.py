"""Which pack is trained when: each as soon as its parents are finished and the executor has a free slot."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.plural import plural
from study.engine.executors import PackJob

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from asteroid.stages.stage import StageResult
    from study.engine.catalog import StageCatalog
    from study.engine.executors import Executor
    from study.engine.failures import FailureLog
    from study.engine.progress import ProgressCounter
    from study.recipes.packs import Pack


@dataclass(frozen=True)
class _Running:
    """A pack in training.

    Attributes:
        pack: the whole pack.
        wanted: keys of its stages that are being trained.
        begun: step that their training goes on from.
        steps: model-steps that it takes, or the effort of a kernel.
    """

    pack: Pack
    wanted: frozenset[str]
    begun: int
    steps: float

    @property
    def first(self) -> str:
        """Key of the pack's first stage."""
        return self.pack.specs[0].key


class PackScheduler:
    """Gives packs to an executor and keeps what comes back.

    Args:
        catalog: which stages are there, and where they are kept.
        executor: trains packs.
        progress: told what is being trained.
        failures: remembers failed attempts, and says which packs are trained again.
        on_kept: called when stages of a pack have been kept.
    """

    def __init__(
        self,
        catalog: StageCatalog,
        executor: Executor,
        progress: ProgressCounter,
        failures: FailureLog,
        on_kept: Callable[[], None],
    ) -> None:
        self._catalog, self._executor, self._progress, self._failures = catalog, executor, progress, failures
        self._on_kept = on_kept
        self._running: dict[Future[list[StageResult]], _Running] = {}
        executor.on_retry = failures.note_retry

    @property
    def slots(self) -> int:
        """Packs that can be trained at the same time."""
        return self._executor.slots

    @property
    def packs_in_training(self) -> int:
        """How many packs are being trained."""
        return len(self._running)

    @property
    def stages_in_training(self) -> frozenset[str]:
        """Keys of the stages that are being trained."""
        return frozenset(key for run in self._running.values() for key in run.wanted)

    @property
    def one_is_finished(self) -> bool:
        """Whether `await_one` would not have to wait."""
        return any(future.done() for future in self._running)

    def train(self, packs: Iterable[Pack], among: Collection[str] | None = None) -> None:
        """Train what is missing of the packs; stages whose parents failed are left out.

        A pack that fails is trained again as it was, so that its arithmetic is the same.

        Args:
            packs: in the order in which they are begun, as far as their parents are finished.
            among: keys of the stages that are wanted; None for all.

        Raises:
            InputError: from a pack; it would only be raised again.
            PackFailedError: a pack failed `failures.ATTEMPTS` times, or the executor gave up on it.
        """
        waiting = list(packs)
        try:
            while waiting or self._running:
                ahead = {spec.key for pack in waiting for spec in pack.specs} | self.stages_in_training
                for pack in list(waiting):
                    if len(self._running) >= self.slots:
                        break
                    if ahead.intersection(pack.parents) - self._catalog.finished.keys():
                        continue  # a parent is still to come
                    waiting.remove(pack)
                    self.begin(pack, among)
                if self._running:
                    self.await_one()
        finally:
            self.abandon()

    def begin(self, pack: Pack, among: Collection[str] | None = None) -> None:
        """Submit what is missing of a pack, if anything is."""
        asked = [spec for spec in pack.specs if among is None or spec.key in among]
        self._catalog.look_again(asked)
        wanted = frozenset(
            spec.key for spec in asked if self._is_behind(spec.key, pack.until) and self._catalog.has_parents_of(spec)
        )
        if wanted:
            begun = max(int(self._catalog.steps_done(key)) for key in wanted)
            steps = (pack.until or pack.specs[0].effort) - begun
            self._submit(_Running(pack, wanted, begun, steps * len(wanted)))

    def await_one(self) -> None:
        """Wait until a pack is finished; keep it, or submit it again where it failed.

        Raises:
            InputError: from a pack; it would only be raised again.
            PackFailedError: a pack failed `failures.ATTEMPTS` times, or the executor gave up on it.
        """
        finished = wait(self._running, return_when=FIRST_COMPLETED).done
        # One at a time, lest a free worker wait for the others' results; failures last, as they may raise.
        future = min(finished, key=lambda f: f.exception() is not None)
        run = self._running.pop(future)
        error = future.exception()
        if error is None:
            self._keep(run, future.result())
        else:
            self._progress.end_training(run.first, 0)
            self._failures.allow_retry(run.pack, error)
            self._submit(run)

    def abandon(self) -> None:
        """Cancel what has not begun, and forget what is in training."""
        for future in self._running:
            future.cancel()
        self._running.clear()

    def _is_behind(self, key: str, until: int | None) -> bool:
        """Whether a stage is still to be trained up to a step; None: to its end."""
        if key in self._catalog.finished:
            return False
        return until is None or self._catalog.steps_done(key) < until

    def _submit(self, run: _Running) -> None:
        pack = run.pack.only(run.wanted)
        parents = {key: self._catalog.finished[key].model for key in pack.parents}
        earlier = {key: self._catalog.interrupted[key] for key in run.wanted} if run.begun else None
        activity = f"{pack.kind}: {len(run.wanted)} {plural(len(run.wanted), 'model')} on {pack.specs[0].train.level}"

        def on_validation(step: int, _: list[float]) -> None:
            self._progress.set_in_training(run.first, (step - run.begun) * len(run.wanted))
            self._progress.announce(activity)

        self._progress.announce(activity)
        self._running[self._executor.submit(PackJob(pack, parents, on_validation, earlier))] = run

    def _keep(self, run: _Running, results: Sequence[StageResult]) -> None:
        # By the places of the full pack: the same stage trained in a filler's place may differ in the last bits.
        for spec, result in zip(run.pack.specs, results, strict=True):
            if spec.key in run.wanted:
                self._catalog.keep(spec, result)
        self._failures.forget_attempts(run.pack)
        self._progress.end_training(run.first, run.steps)
        done = "finished" if run.pack.until is None else f"at step {run.pack.until}"
        self._progress.announce(f"{run.pack.kind}: {len(run.wanted)} {plural(len(run.wanted), 'model')} {done}")
        self._on_kept()
