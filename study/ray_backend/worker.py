"""What lives in a Ray worker's process: the shared frames, the training of a pack, the mailbox for validation errors.

Heavy modules are imported where they are used: the mailbox's process needs none of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from study.ray_backend.remote_exception import RemoteException

if TYPE_CHECKING:
    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob
    from study.ray_backend.shared_bank import MappedBank


class Mailbox:
    """Validation errors wait here until the driver asks for them."""

    def __init__(self) -> None:
        self._kept: dict[int, list[tuple[int, list[float]]]] = {}

    def put(self, job_id: int, step: int, errors: list[float]) -> None:
        """Keep the errors of one validation."""
        self._kept.setdefault(job_id, []).append((step, errors))

    def take(self, job_id: int) -> list[tuple[int, list[float]]]:
        """Give out what a pack in training has sent since, in its order."""
        return self._kept.pop(job_id, [])


class PackWorker:
    """Trains packs on one thread.

    Args:
        bank: reference of the frames in the object store, in a list, so that Ray does not fetch what is not needed.
        mailbox: handle of the mailbox's actor.
        mapped: the same frames in files, to be read instead where this node sees them.
        device: class of the device to train on.
    """

    def __init__(self, bank: list[Any], mailbox: Any, mapped: MappedBank | None = None, device: str = "cpu") -> None:
        import ray
        import torch

        import asteroid.stages.train  # noqa: F401 -- loaded before the worker says that it is ready
        from asteroid.descriptors.placement import bank_on

        torch.set_num_threads(1)  # more would change the rounding, and cost time on small products
        self._mapped = mapped is not None
        try:
            self._bank = mapped.open() if mapped is not None else ray.get(bank[0]).open()
        except OSError:  # another machine's disk
            self._mapped = False
            self._bank = ray.get(bank[0]).open()
        self._bank = bank_on(self._bank, torch.device(device))
        self._mailbox = mailbox

    def ready(self) -> tuple[int, bool]:
        """Process id, and whether the frames are mapped files; that it answers says that the worker is ready."""
        return os.getpid(), self._mapped

    def train(self, job: PackJob, job_id: int | None) -> list[StageResult] | RemoteException:
        """Train a pack.

        Args:
            job: the pack; nobody listens to it here.
            job_id: under which the mailbox keeps the validation errors; None for not at all.

        Returns:
            one result per place, or what was raised. The mailbox has everything by then.
        """
        import ray

        posted = None

        def post(step: int, errors: list[float]) -> None:
            nonlocal posted
            posted = self._mailbox.put.remote(job_id, step, errors)

        outcome: list[StageResult] | RemoteException
        try:
            outcome = replace(job, on_validation=None if job_id is None else post).train(self._bank)
        except Exception as error:
            outcome = RemoteException.of(error)
        if posted is not None:
            ray.get(posted)  # posts of one worker arrive in order, so the earlier ones are there as well
        return outcome
