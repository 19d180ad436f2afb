"""Where packs are trained. An executor takes a pack and its parents and answers with a future."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from asteroid.stages import StageResult, train_pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.frames import FrameBank
    from asteroid.stages import StageSpec, TrainedModel
    from asteroid.training import Progress


class Executor(Protocol):
    """Trains packs of stages."""

    def submit(
        self, specs: Sequence[StageSpec], parents: Mapping[str, TrainedModel], on_step: Progress | None = None
    ) -> Future[list[StageResult]]:
        """Train the stages together; the future holds one result per spec, or the exception."""
        ...


class SerialExecutor:
    """Trains in this process, one pack after another."""

    def __init__(self, bank: FrameBank) -> None:
        self._bank = bank

    def submit(
        self, specs: Sequence[StageSpec], parents: Mapping[str, TrainedModel], on_step: Progress | None = None
    ) -> Future[list[StageResult]]:
        """Train at once; the future is finished when this returns."""
        future: Future[list[StageResult]] = Future()
        try:
            future.set_result(train_pack(self._bank, specs, parents, on_step))
        except Exception as error:  # handed on through the future, as a remote worker's would be
            future.set_exception(error)
        return future
