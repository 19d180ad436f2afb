"""Where packs are trained. An executor takes a pack and its parents and answers with a future."""

from __future__ import annotations

from concurrent.futures import Future
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


def train_here(
    bank: FrameBank,
    pack: Pack,
    parents: Mapping[str, TrainedModel],
    on_validation: OnValidation | None,
    earlier: Mapping[str, StageResult] | None,
) -> list[StageResult]:
    """Train a pack in this process, one result per place.

    Args:
        bank: the described frames.
        pack: the stages.
        parents: trained parents by key.
        on_validation: called after every validation.
        earlier: what the stages were interrupted with, by key; None to start anew.
    """
    return train_pack(
        bank,
        pack.specs,
        parents,
        share_batches=pack.share_batches,
        on_validation=on_validation,
        earlier=[earlier[spec.key] for spec in pack.specs] if earlier else (),
        until=pack.until,
    )


class Executor(Protocol):
    """Trains packs of stages.

    Attributes:
        slots: packs that it can train at the same time.
        on_retry: told the pack and the reason when the executor itself trains a pack again, from any thread.
    """

    slots: int
    on_retry: Callable[[Pack, str], None] | None

    def submit(
        self,
        pack: Pack,
        parents: Mapping[str, TrainedModel],
        on_validation: OnValidation | None = None,
        earlier: Mapping[str, StageResult] | None = None,
    ) -> Future[list[StageResult]]:
        """Train a pack, or go on with `earlier`; the future holds one result per place, or the exception."""
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

    def submit(
        self,
        pack: Pack,
        parents: Mapping[str, TrainedModel],
        on_validation: OnValidation | None = None,
        earlier: Mapping[str, StageResult] | None = None,
    ) -> Future[list[StageResult]]:
        """Train at once; the future is finished when this returns."""
        future: Future[list[StageResult]] = Future()
        try:
            future.set_result(train_here(self._bank, pack, parents, on_validation, earlier))
        except Exception as error:  # handed on through the future, as a remote worker's would be
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing to give back."""
