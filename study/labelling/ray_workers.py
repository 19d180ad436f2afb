"""Labels and trajectories in Ray workers, one thread each.

Ray is imported where it is used, so that work in this process never loads it.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asteroid.labelling.labeller import label_frame
from asteroid.labelling.open_labeller import open_labeller
from study.ray_backend.remote_exception import cause_of_death
from study.ray_backend.server_watch import ServerLostError, ServerWatch
from study.ray_backend.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Hashable, Iterator, Sequence

    from asteroid.labelling.labeller import Failure, Label, Method
    from asteroid.labels.label_set import FloatArray, IntArray

#: How often a piece of work is given to another worker because its worker died.
RETRIES = 3
#: How often the driver looks for news, s.
_POLL_S = 0.2
#: Pause after the first death, s.
_PAUSE_S = 0.5


class WorkersLostError(RuntimeError):
    """Workers died one after the other on the same work, or all of them with Ray's server."""


class _WorkerDiedError(Exception):
    """A worker did not live to answer; the message says why, as far as Ray knows."""


class _Deaths:
    """Counts the workers that died on each piece of work. Ray would go on for ever where memory is what is missing."""

    def __init__(self) -> None:
        self._of: Counter[Hashable] = Counter()

    def note(self, pieces: Collection[Hashable], death: _WorkerDiedError) -> None:
        """Count a death, and wait before the next try: longer every time, as a shortage of memory may pass.

        Raises:
            WorkersLostError: patience is at its end.
        """
        self._of.update(pieces)
        most = max(self._of[piece] for piece in pieces)
        if most > RETRIES:
            raise WorkersLostError(
                f"{most} workers died one after the other on the same work: {death} Where memory is short, use fewer "
                "--workers, then run again"
            ) from death
        time.sleep(_PAUSE_S * 2 ** (most - 1))


class LabelWorker:
    """Labels geometries in a process of its own."""

    def __init__(self, method: Method, numbers: IntArray, reference: FloatArray) -> None:
        self._labeller = open_labeller(method, numbers, reference)

    def label(self, frames: Sequence[FloatArray]) -> list[Label | Failure]:
        """Label some geometries, each [A, 3] in Å."""
        return [label_frame(self._labeller, positions) for positions in frames]


def ray_labels(
    method: Method,
    numbers: IntArray,
    reference: FloatArray,
    todo: Sequence[tuple[str, FloatArray]],
    workers: int,
    batch_size: Callable[[], int],
) -> Generator[tuple[str, Label | Failure]]:
    """Label geometries in Ray workers; what is finished first comes first.

    Args:
        method: how.
        numbers: atomic numbers [A].
        reference: as in `open_labeller`.
        todo: a key and positions [A, 3] in Å for each geometry.
        workers: processes.
        batch_size: asked for the number of geometries to send together.

    Yields:
        key and outcome.

    Raises:
        InputError: Ray cannot run here.
        WorkersLostError: workers keep dying, or Ray's server is gone.
    """
    waiting = list(reversed(todo))
    busy: dict[Any, tuple[Any, list[tuple[str, FloatArray]]]] = {}
    actors: list[Any] = []
    deaths = _Deaths()
    with _session(workers) as (ray, server):
        kind: Any = ray.remote(LabelWorker).options(num_cpus=1)
        try:
            actors = [kind.remote(method, numbers, reference) for _ in range(min(workers, len(todo)))]
            idle = list(actors)
            while waiting or busy:
                while idle and waiting:
                    batch = [waiting.pop() for _ in range(min(batch_size(), len(waiting)))]
                    actor = idle.pop()
                    busy[actor.label.remote([positions for _, positions in batch])] = actor, batch
                server.check()
                for answer in ray.wait(list(busy), timeout=_POLL_S)[0]:
                    actor, batch = busy.pop(answer)
                    try:
                        yield from zip([key for key, _ in batch], _result(answer), strict=True)
                    except _WorkerDiedError as death:
                        deaths.note([key for key, _ in batch], death)
                        waiting.extend(reversed(batch))
                        actors.remove(actor)
                        ray.kill(actor)  # it may live on where only the connection broke
                        actor = kind.remote(method, numbers, reference)
                        actors.append(actor)
                    idle.append(actor)
        finally:
            for actor in actors:
                ray.kill(actor)


def ray_tasks(work: Callable[..., str | None], calls: Sequence[tuple[Any, ...]], workers: int) -> Generator[str | None]:
    """Call a function in Ray workers, side by side; between the answers control returns a few times a second.

    Args:
        work: what to call; must go on where it stopped, as it is called again where its worker dies.
        calls: arguments of each call.
        workers: processes.

    Yields:
        what a call returned, or None when there is no news.

    Raises:
        InputError: Ray cannot run here.
        WorkersLostError: workers keep dying, or Ray's server is gone.
    """
    busy: dict[Any, int] = {}
    deaths = _Deaths()
    with _session(workers) as (ray, server):
        task: Any = ray.remote(work).options(num_cpus=1, max_retries=0)
        try:
            busy = {task.remote(*arguments): number for number, arguments in enumerate(calls)}
            while busy:
                server.check()
                finished, _ = ray.wait(list(busy), timeout=_POLL_S)
                yield None
                for answer in finished:
                    number = busy.pop(answer)
                    try:
                        yield _result(answer)
                    except _WorkerDiedError as death:
                        deaths.note([number], death)
                        busy[task.remote(*calls[number])] = number
        finally:
            for answer in busy:
                ray.cancel(answer, force=True)


@contextmanager
def _session(workers: int) -> Iterator[tuple[Any, ServerWatch]]:
    """Ray, which is left as it was found, and a watch on its server."""
    opened = open_session(workers, 0, None)
    import ray

    try:
        yield ray, ServerWatch(ray.get_runtime_context().gcs_address)
    except ServerLostError as lost:
        raise WorkersLostError(str(lost)) from lost
    finally:
        if opened:
            ray.shutdown()


def _result(answer: Any) -> Any:
    import ray

    try:
        return ray.get(answer)
    except ray.exceptions.RayTaskError as error:  # the worker lives: this is what the work itself raised
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise _WorkerDiedError(cause_of_death(error)) from error
