"""Labels and trajectories in Ray workers, one thread each.

Ray is imported where it is used, so that work in this process never loads it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asteroid.labelling.labeller import label_frame
from asteroid.labelling.open_labeller import open_labeller
from study.ray_backend.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from asteroid.labelling.labeller import Failure, Label, Method
    from asteroid.labels.label_set import FloatArray, IntArray

#: How often a piece of work is given to another worker because its worker died.
RETRIES = 3
#: How often the driver looks for news, s.
_POLL_S = 0.2


class WorkersLostError(RuntimeError):
    """Workers died one after the other on the same work."""


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
        WorkersLostError: workers keep dying.
    """
    waiting = list(reversed(todo))
    busy: dict[Any, tuple[Any, list[str]]] = {}
    actors: list[Any] = []
    with _session(workers) as ray:
        try:
            # Restarted where they die, and their batch with them.
            kind: Any = ray.remote(LabelWorker).options(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)
            actors = [kind.remote(method, numbers, reference) for _ in range(min(workers, len(todo)))]
            idle = list(actors)
            while waiting or busy:
                while idle and waiting:
                    batch = [waiting.pop() for _ in range(min(batch_size(), len(waiting)))]
                    actor = idle.pop()
                    answer = actor.label.remote([positions for _, positions in batch])
                    busy[answer] = actor, [key for key, _ in batch]
                for answer in ray.wait(list(busy), timeout=_POLL_S)[0]:
                    actor, keys = busy.pop(answer)
                    yield from zip(keys, _result(answer), strict=True)
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
        WorkersLostError: workers keep dying.
    """
    busy: list[Any] = []
    with _session(workers) as ray:
        try:
            task: Any = ray.remote(work).options(num_cpus=1, max_retries=RETRIES)
            busy = [task.remote(*arguments) for arguments in calls]
            while busy:
                finished, busy = ray.wait(busy, timeout=_POLL_S)
                yield None
                for answer in finished:
                    yield _result(answer)
        finally:
            for answer in busy:
                ray.cancel(answer, force=True)


@contextmanager
def _session(workers: int) -> Iterator[Any]:
    """Ray, which is left as it was found."""
    opened = open_session(workers, 0, None)
    import ray

    try:
        yield ray
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
        reason = " ".join(str(error).split()).partition(" Some common causes include")[0][:500]
        raise WorkersLostError(
            f"{RETRIES + 1} workers died one after the other on the same work: {reason} Where memory is short, use "
            "fewer --workers, then run again"
        ) from error
