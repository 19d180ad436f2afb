"""Where the stages of a command are trained: in this process, or on Ray workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from study.devices import DeviceClass
    from study.engine.executors import Executor


def share_of_gpu(device: DeviceClass, asked: float | None) -> float | None:
    """Share of a GPU that each Ray worker takes: what was asked for, or a whole one; None on the CPU."""
    return None if device == "cpu" else asked or 1.0


def executor_maker(
    workers: int | None,
    ray_address: str | None,
    scratch: Path,
    on_note: Callable[[str], None],
    gpus_per_worker: float | None = None,
) -> Callable[[FrameBank], Executor]:
    """What makes an executor from described frames.

    Args:
        workers: Ray workers; None or 1 without a cluster: this process.
        ray_address: of a running Ray cluster, or None.
        scratch: folder for files that nobody needs afterwards.
        on_note: told a line about workers.
        gpus_per_worker: share of a GPU that each Ray worker takes and trains on; None: they train on the CPU.
    """
    if workers in (None, 1) and ray_address is None:
        from study.engine.executors import SerialExecutor

        return SerialExecutor
    from study.ray_backend.executor import RayExecutor

    return lambda bank: RayExecutor(
        bank,
        workers=workers,
        address=ray_address,
        scratch=scratch,
        on_note=on_note,
        gpus_per_worker=gpus_per_worker,
    )
