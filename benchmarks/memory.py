"""100,000 frames of 21 atoms: resident memory of a pretraining, and the time of a step against 5,000 stored frames.

    python benchmarks/memory.py [--quick]

The frames are aspirin from idealised bond lengths and angles with every atom moved by 0.05 Å at random, and labels that
mean nothing: neither memory nor time depends on them. Described, they would take 66 GB; the bank streams them instead.
First a process of its own pretrains K = 16 models on all of them, from the estimate of their bias to the last
validation, and tells its peak memory. Then stored and streamed frames take their turns at training, in one process, so
that a change of the machine's load meets both; a step is timed from one validation (of 10 frames) to the next, in CPU
seconds. Holding the 5,000 stored frames takes 3.3 GB more. `--quick`: 3,000 streamed and 500 stored frames.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from unittest import mock

import numpy as np
import torch
from ase.io.zmatrix import parse_zmatrix

from asteroid.descriptors.describe import bytes_per_frame
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.labels.label_set import LabelSet, content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.bias_weights import estimate_bias
from asteroid.training import label_objective
from asteroid.training.fit_loop import fit_pack
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

#: Å and degrees. The ester stands across the ring, the acid lies in its plane.
ASPIRIN = """
C
C 1 1.39
C 2 1.39 1 120
C 3 1.39 2 120 1 0
C 4 1.39 3 120 2 0
C 5 1.39 4 120 3 0
H 3 1.09 2 120 1 180
H 4 1.09 3 120 2 180
H 5 1.09 4 120 3 180
H 6 1.09 5 120 4 180
C 1 1.49 2 120 3 180
O 11 1.21 1 124 2 180
O 11 1.35 1 113 2 0
H 13 0.97 11 107 1 180
O 2 1.39 1 120 3 180
C 15 1.37 2 117 1 90
O 16 1.20 15 123 2 0
C 16 1.50 15 111 2 180
H 18 1.09 16 110 15 180
H 18 1.09 16 110 15 60
H 18 1.09 16 110 15 -60
"""
STEPS_PER_TIME, TIMES_PER_TURN = 10, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer frames")
    parser.add_argument("--pretrain-only", action="store_true", help="pretrain in this process and tell its memory")
    options = parser.parse_args()
    n_streamed, n_stored = (3_000, 500) if options.quick else (100_000, 5_000)
    torch.set_num_threads(1)
    if options.pretrain_only:
        pretrain(n_streamed)
        return
    flags = ["--quick"] * options.quick
    subprocess.run([sys.executable, __file__, "--pretrain-only", *flags], check=True)
    compare(n_streamed, n_stored, turns=4 if options.quick else 9)


def pretrain(n_frames: int) -> None:
    """Everything that a pretraining of a streamed level does, and the peak memory of this process."""
    before = peak_gib()
    began = time.process_time()
    bank = make_bank(n_frames, streamed=True)
    assert bank.layout is not None
    print(
        f"{n_frames} frames of {len(bank.layout.numbers)} atoms, {bank.layout.width} descriptors each: "
        f"{n_frames * bytes_per_frame(bank.layout) / 1e9:.1f} GB described",
        flush=True,
    )
    network = MLPSettings().network(bank.layout)
    pack = make_pack(bank, 16, Schedule(steps=200, learning_rate=0.01, validations=2), n_val=n_frames // 50)
    teacher = TrainedNetwork(MLPSettings(), pack[0].parameters, pack[0].scaling, 0.0)
    bias = estimate_bias(bank, "cheap", pack[0].train_rows, [teacher])[0]
    weights = 1.0 / (1.0 + bias)
    pack = [replace(member, train_weights=weights / weights.mean()) for member in pack]
    fit_pack(network, bank.levels["cheap"], pack, share_batches=True)
    print(
        f"pretraining K = 16: peak {peak_gib():.2f} GiB resident ({before:.2f} before the frames), "
        f"{time.process_time() - began:.0f} CPU-s with the bias of all frames, energy constants and validations",
        flush=True,
    )


def compare(n_streamed: int, n_stored: int, turns: int) -> None:
    """CPU seconds of a step on streamed and on stored frames, in turns."""
    banks = {"stored": make_bank(n_stored, streamed=False), "streamed": make_bank(n_streamed, streamed=True)}
    print(f"CPU ms of a step, batches of 10; {n_stored} stored frames against {n_streamed} streamed ones", flush=True)
    for n_models in (16, 4, 1):
        ms: dict[str, list[float]] = {name: [] for name in banks}
        for turn in range(turns + 1):
            for name, bank in banks.items():
                own = time_steps(bank, n_models, seed=turn)
                if turn:  # the first one warms up
                    ms[name] += own
        stored, streamed = (statistics.median(ms[name]) for name in ("stored", "streamed"))
        print(
            f"K = {n_models:2d}: stored {stored:6.2f}, streamed {streamed:6.2f}, ratio {streamed / stored:.2f} "
            f"(medians of {len(ms['stored'])}), load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


def time_steps(bank: FrameBank, n_models: int, seed: int) -> list[float]:
    """CPU milliseconds of a step of a pack that shares its batches, several times."""
    schedule = Schedule(steps=TIMES_PER_TURN * STEPS_PER_TIME, learning_rate=0.01, validations=TIMES_PER_TURN)
    pack = make_pack(bank, n_models, schedule, n_val=10, seed=seed)
    clock: list[float] = []
    network = MLPSettings().network(bank.layout)

    def stamp(*_: object) -> None:
        clock.append(time.process_time())

    with mock.patch.object(label_objective, "_SHIFT_FRAMES", 64):  # no step, so not timed: spare the wait
        fit_pack(network, bank.levels["cheap"], pack, share_batches=True, on_validation=stamp)
    return [1e3 * (b - a) / STEPS_PER_TIME for a, b in itertools.pairwise(clock)]


def make_pack(bank: FrameBank, n_models: int, schedule: Schedule, n_val: int, seed: int = 0) -> list[Member]:
    """Models that differ in their initial weights."""
    frames = bank.levels["cheap"]
    network = MLPSettings().network(bank.layout)
    rows = torch.arange(len(frames.energy))
    train, val = rows[:-n_val], rows[-n_val:]
    scaling = network.measure_scaling(frames, train, frames.forces[train])
    return [
        Member(network.initial_parameters(k), scaling, train, val, None, None, schedule, batch_seed=seed)
        for k in range(n_models)
    ]


def make_bank(n_frames: int, *, streamed: bool) -> FrameBank:
    """Aspirin with every atom moved at random and labels that mean nothing."""
    molecule = parse_zmatrix(ASPIRIN.strip().splitlines())
    rng = np.random.default_rng(0)
    positions = molecule.positions + 0.05 * rng.standard_normal((n_frames, *molecule.positions.shape))
    labels = LabelSet(
        numbers=molecule.numbers,
        positions=positions,
        energy=rng.standard_normal(n_frames),
        forces=rng.standard_normal(positions.shape),
        level="cheap",
    )
    entry = BankEntry(labels, content_hashes(labels))
    return build_bank(DescriptorSettings(), [entry], memory_bytes=0 if streamed else float("inf"))


def peak_gib() -> float:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**30 if sys.platform == "darwin" else peak / 2**20


if __name__ == "__main__":
    main()
