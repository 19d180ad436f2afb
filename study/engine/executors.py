"""Where packs are trained. An executor takes a pack with its parents and answers with a future."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from asteroid.stages.train import train_pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageResult
    from asteroid.training.fit_loop import OnValidation
    from study.recipes.packs import Pack


class PackFailedError(RuntimeError):
    """A pack could not be trained in several attempts; the message is one line with the last reason."""


@dataclass(frozen=True)
class PackJob:
    """A pack with all that its training needs besides the frames.

    Attributes:
        pack: the stages.
        parents: trained parents by key.
        on_validation: called after every validation; None for nobody.
        earlier: what the stages were interrupted with, by key; None to start anew.
    """

    pack: Pack
    parents: Mapping[str, TrainedModel] = field(default_factory=dict)
    on_validation: OnValidation | None = None
    earlier: Mapping[str, StageResult] | None = None

    def train(self, bank: FrameBank) -> list[StageResult]:
        """Train the pack in this process on described frames, one result per place."""
        return train_pack(
            bank,
            self.pack.specs,
            self.parents,
            share_batches=self.pack.share_batches,
            on_validation=self.on_validation,
            earlier=[self.earlier[spec.key] for spec in self.pack.specs] if self.earlier else (),
            until=self.pack.until,
        )


class Executor(Protocol):
    """Trains packs of stages.

    Attributes:
        slots: packs that it can train at the same time.
        on_retry: told the pack and the reason when the executor itself trains a pack again, from any thread.
    """

    slots: int
    on_retry: Callable[[Pack, str], None] | None

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        """Train a pack, or go on with it; the future holds one result per place, or the exception."""
        ...

    def close(self) -> None:
        """Give back what the executor holds; nothing can be submitted afterwards."""
        ...


class SerialExecutor:
    """Trains in this process, one pack after another."""

    slots = 1
    on_retry: Callable[[Pack, str], None] | None = None

    def __init__(self, bank: FrameBank) -> None:
        self._bank = bank

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        """Train at once; the future is finished when this returns."""
        future: Future[list[StageResult]] = Future()
        try:
            future.set_result(job.train(self._bank))
        except Exception as error:  # handed on through the future, as a remote worker's would be
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing to give back."""
