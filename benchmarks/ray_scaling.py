"""Model-steps per wall second of two Ray workers against one, on the same packs.

    python benchmarks/ray_scaling.py [--workers 2] [--repeats 5]

Both executors are up at the same time and take their turns, so that a change of the machine's load meets both. Each
turn trains the same packs, two for every worker of the larger executor. A turn is a few seconds; the ratio is the
median over the turns. Other work on the machine makes the numbers worthless: the load is printed beside them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import replace
from unittest import mock

import numpy as np

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.stages.stage import Frames, NetworkStage, Seeds
from asteroid.training.schedule import Schedule
from study.engine.executors import PackJob
from study.ray_backend.executor import RayExecutor
from study.ray_backend.session import open_session
from study.recipes.packs import Pack

STEPS, MODELS = 600, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2, help="workers of the larger executor")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each executor")
    options = parser.parse_args()
    bank = make_bank()
    packs = make_packs(bank, 2 * options.workers)
    # One instance for both executors. Only one of them works at a time, so it may have more workers than cores.
    with mock.patch("os.cpu_count", return_value=options.workers + 1):
        open_session(options.workers + 1, 2**28, None)
    one, many = RayExecutor(bank, workers=1), RayExecutor(bank, workers=options.workers)
    try:
        for executor in (one, many):  # every worker trains once before the clock runs
            train(executor, [replace(pack, specs=pack.specs[:1]) for pack in packs])
        ratios = []
        for turn in range(options.repeats):
            first, second = train(one, packs), train(many, packs)
            ratios.append(second / first)
            print(
                f"turn {turn + 1}: {first:.0f} and {second:.0f} model-steps/s, ratio {ratios[-1]:.2f}, "
                f"load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    finally:
        one.close()
        many.close()
    print(
        f"{options.workers} workers against 1 on {os.cpu_count()} cores: {statistics.median(ratios):.2f} times the "
        f"model-steps per second, median of {len(ratios)} (range {min(ratios):.2f} to {max(ratios):.2f})"
    )


def make_bank() -> FrameBank:
    labels = load_methanol().cheap.select(np.arange(0, 20_000, 20))
    return build_bank(DescriptorSettings(), [BankEntry(labels, content_hashes(labels))])


def make_packs(bank: FrameBank, n_packs: int) -> list[Pack]:
    """Packs of eight models that differ in seeds only."""
    assert bank.layout is not None
    ((level, rows),) = bank.rows.items()
    hashes = tuple(rows)
    train, val = Frames(level, hashes[:-100]), Frames(level, hashes[-100:])
    schedule = Schedule(steps=STEPS, learning_rate=0.01)
    spec = NetworkStage("pretrain", bank.layout.settings, MLPSettings(), schedule, train, val, Seeds(0, 0, 0))
    return [
        Pack(tuple(replace(spec, seeds=Seeds(0, MODELS * i + k, i)) for k in range(MODELS)), share_batches=True)
        for i in range(n_packs)
    ]


def train(executor: RayExecutor, packs: list[Pack]) -> float:
    """Model-steps per wall second."""
    began = time.monotonic()
    for future in [executor.submit(PackJob(pack, {}, lambda *_: None)) for pack in packs]:
        future.result()
    return sum(len(pack.specs) for pack in packs) * STEPS / (time.monotonic() - began)


if __name__ == "__main__":
    main()
