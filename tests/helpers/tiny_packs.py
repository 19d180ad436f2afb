"""Small packs of identifying stages, and a driver of a Ray executor in a process of its own."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.stages.stage import Frames, NetworkStage, Seeds
from asteroid.training.schedule import Schedule
from study.recipes.packs import Pack

if TYPE_CHECKING:
    from asteroid.stages.stage import StageResult

LEVEL = "ccsd_t/cc-pvdz"
DESCRIPTORS = DescriptorSettings(n_radial=4, n_angular=2, l_max=1)
#: Long enough that a worker can be killed between two validations.
SLOW = Schedule(steps=1500, learning_rate=0.001, warmup_steps=3, batch_size=4, validations=6)


@cache
def bank() -> FrameBank:
    labels = load_methanol().accurate.select(np.arange(20))
    return build_bank(DESCRIPTORS, [BankEntry(labels, content_hashes(labels))])


def pack(*seeds: int, schedule: Schedule = SLOW) -> Pack:
    hashes = tuple(bank().rows[LEVEL])
    train, val = Frames(LEVEL, hashes[3:]), Frames(LEVEL, hashes[:3])
    specs = [
        NetworkStage("identify", DESCRIPTORS, MLPSettings(hidden=6), schedule, train, val, Seeds(0, seed, seed))
        for seed in seeds
    ]
    return Pack(tuple(specs), share_batches=False)


def quick(*seeds: int) -> Pack:
    return pack(*seeds, schedule=replace(SLOW, steps=12))


@dataclass(frozen=True)
class FailingPack(Pack):
    """A pack on which workers die, or run out of memory, a number of times.

    Attributes:
        record: file to which every attempt adds a line: the worker's process id and what it maps.
        failures: attempts that fail.
        deadly: whether the worker is killed; else its memory runs out.
        driver: process in which it does nothing.
    """

    record: str = ""
    failures: int = 0
    deadly: bool = False
    driver: int = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "share_batches" and os.getpid() != self.driver:
            self._attempt()
        return super().__getattribute__(name)

    def _attempt(self) -> None:
        mapped = ".npy" in Path("/proc/self/maps").read_text()
        with Path(self.record).open("a+") as file:
            file.write(f"{os.getpid()} {'files' if mapped else 'shared'}\n")
            file.seek(0)
            attempts = len(file.readlines())
        if attempts <= self.failures and self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if attempts <= self.failures:
            resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 2**28, resource.RLIM_INFINITY))
            try:
                np.ones(2**30)
            except MemoryError as error:
                raise MemoryError(f"attempt {attempts}\n{error}") from None


def failing(pack: Pack, record: Path, failures: int, *, deadly: bool) -> FailingPack:
    own = {field.name: getattr(pack, field.name) for field in fields(Pack)}
    return FailingPack(**own, record=str(record), failures=failures, deadly=deadly, driver=os.getpid())


class Holder:
    """An actor that takes up cores."""

    def ready(self) -> bool:
        return True


def bits(results: list[StageResult]) -> list[tuple[object, ...]]:
    return [(r.key, r.model.parameters.numpy().tobytes(), r.model.energy_shift_ev, r.validation_curve) for r in results]


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there after a while."""
    return psutil.wait_procs(processes, timeout=30)[1]


#: A driver in a process of its own. It says when its pack is in training, which lasts until it is killed.
DRIVER = """
import os, sys
import numpy as np
from asteroid.datasets import load_methanol
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.stages.stage import Frames, Seeds, NetworkStage
from asteroid.training.schedule import Schedule
from study.engine.executors import PackJob
from study.recipes.packs import Pack
from study.ray_backend.executor import RayExecutor

settings, steps = DescriptorSettings(n_radial=4, n_angular=2, l_max=1), int(sys.argv[1])
labels = load_methanol().accurate.select(np.arange(20))
bank = build_bank(settings, [BankEntry(labels, content_hashes(labels))])
frames = tuple(bank.rows[labels.level])
schedule = Schedule(steps, 0.001, warmup_steps=3, batch_size=4, validations=max(6, steps // 500))
spec = NetworkStage("identify", settings, MLPSettings(hidden=6), schedule, Frames(labels.level, frames[3:]),
                 Frames(labels.level, frames[:3]), Seeds(0, 1, 1))
executor = RayExecutor(bank, workers=1, address=(sys.argv[2:] or [None])[0])
try:
    future = executor.submit(PackJob(Pack((spec,), False), {}, lambda step, errors: print(step, flush=True)))
    (result,) = future.result()
    print(result.model.parameters.numpy().tobytes().hex(), *executor.worker_pids, flush=True)
finally:
    executor.close()
"""
