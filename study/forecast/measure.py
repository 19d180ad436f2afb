"""The measured half of the pre-flight: describes the frames, trains a few steps, and reckons what a run will take."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch

from asteroid.descriptors.placement import bank_on
from asteroid.models.outside.settings import CommandSettings
from asteroid.stages.stage import KernelStage
from study.forecast.count import core_s_of, wall_s_of
from study.forecast.warmup import WarmUp
from study.ray_backend.shared_bank import SharedBank
from study.recipes.frames import describe_frames, expected_bytes, refuse_too_many_frames

if TYPE_CHECKING:
    from collections.abc import Collection

    from study.forecast.count import Forecast
    from study.recipes.workload import Workload


@dataclass(frozen=True)
class Expectation:
    """What a run will take.

    Attributes:
        core_s: CPU seconds of training.
        wall_s: wall seconds of training, the description of the frames included.
        warm_up_s: CPU seconds that finding this out took.
        memory_bytes: memory of the driver and its workers together.
        memory_free_bytes: memory that was free on this machine before.
        disk_bytes: disk for stages and tables, with a margin.
        outside_stages: stages that an outside program trains, whose time is not known beforehand and not in here.
    """

    core_s: float
    wall_s: float
    warm_up_s: float
    memory_bytes: int
    memory_free_bytes: int
    disk_bytes: int
    outside_stages: int = 0


def measure(workload: Workload, forecast: Forecast, workers: int, finished: Collection[str] = ()) -> Expectation:
    """Describe the frames as a run would, and try each sort of pack for a moment; nothing is written.

    Args:
        workload: from `study.recipes.workload.make_workload`.
        forecast: its work.
        workers: processes that will train, one core each.
        finished: keys of stages that need no training.

    Raises:
        InputError: the frames do not fit into the memory that is free.
    """
    free = psutil.virtual_memory().available
    refuse_too_many_frames(workload, forecast.stages.values())
    torch.set_num_threads(1)  # as a run does
    began = time.process_time()
    described = describe_frames(workload, forecast.stages.values())
    bank = bank_on(described, torch.device(workload.device))
    described_s = time.process_time() - began
    n_atoms = workload.data.accurate.positions.shape[1]
    warm_up = WarmUp(bank, forecast.packs, forecast.stages, n_atoms)
    return Expectation(
        core_s=core_s_of(forecast, warm_up.core_s, finished),
        wall_s=described_s + wall_s_of(forecast, warm_up.core_s, workers, finished),
        warm_up_s=time.process_time() - began,
        memory_bytes=_memory_bytes(forecast, SharedBank.of(described).nbytes, n_atoms, workers),
        memory_free_bytes=free,
        disk_bytes=expected_bytes(workload),
        outside_stages=sum(
            isinstance(spec.model, CommandSettings) for key, spec in forecast.stages.items() if key not in finished
        ),
    )


def _memory_bytes(forecast: Forecast, bank_bytes: int, n_atoms: int, workers: int) -> int:
    """The peak of this process after the warm-up; workers share one more copy of the frames, a kernel comes on top."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    kernels = [
        spec.model.fit_bytes(spec.n_frames, n_atoms)
        for spec in forecast.stages.values()
        if isinstance(spec, KernelStage)
    ]
    together = sum(sorted(kernels)[-workers:])
    if workers == 1:
        return peak + together
    return peak + bank_bytes + workers * max(0, peak - bank_bytes) + together
