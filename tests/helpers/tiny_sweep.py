"""A tiny sweep of four strategies on methanol, an executor that remembers, and how two runs are compared."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.datasets import load_methanol
from study.config.sweep_text import parse_sweep
from study.engine.executors import SerialExecutor
from study.run.run import run_workload

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import pandas as pd

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.config.sweep import Sweep
    from study.engine.executors import PackJob
    from study.engine.progress import Progress
    from study.recipes.packs import Pack
    from study.recipes.workload import Workload

SWEEP = """
name: tiny
data:
  accurate: {file: accurate.npz, level: ccsd_t/cc-pvdz, energy_unit: eV, length_unit: Angstrom, group_key: replica,
             price: 28s}
  cheap: {file: cheap.npz, level: gfn2-xtb, energy_unit: eV, length_unit: Angstrom, group_key: replica,
          price: 2 ms, sampling_price: 50 ms}
test: {groups: [3]}
strategies: [accurate_only, cheap_only, pretrain_finetune, asteroid]
budgets: [10, 15]
n_cheap: [40]
gamma_rel: [1, inf]
seeds: [0, 1]
model: {hidden: 8}
descriptors: {n_radial: 4, n_angular: 2, l_max: 1}
identify: {steps: 20, learning_rate: 0.01, validations: 2}
pretrain: {steps: 24, learning_rate: 0.01, validations: 2}
finetune:
  standard: {steps: 20, learning_rate: 0.002, validations: 2}
"""
#: The same with all strategies, one budget and one seed. The cheap file lacks most of the accurate geometries.
NINE = (
    ("price: 2 ms,", "temperature_k: 500, price: 2 ms,"),
    ("asteroid]", "asteroid, asteroid_unlabelled, residual, gdml, network_delta, gdml_residual, gdml_delta]"),
    ("budgets: [10, 15]", "budgets: [10]"),
    ("seeds: [0, 1]", "seeds: [0]"),
    (
        "finetune:\n",
        """score_match: {steps: 16, learning_rate: 0.01, validations: 2, probes: 2}
residual: {steps: 18, learning_rate: 0.01, validations: 2}
kernel: {sigmas: [10, 20]}
finetune:
""",
    ),
)
#: Rounds: 4 identify; two packs (one per seed) of 2 weighted and 1 unweighted pretraining; 8 fine-tunings.
PACKS = [4, 3, 3, 8]
#: Columns that a clock has measured: all that may differ between two runs of the same sweep.
MEASURED = ("recipe_core_s", "use_cpu_s_per_frame")


def write_labels(folder: Path) -> None:
    """80 accurate and 200 cheap frames of four replicas, as the files that `SWEEP` names."""
    methanol = load_methanol()
    group = methanol.accurate.group
    assert group is not None
    rows = np.concatenate([np.flatnonzero(group == g)[:20] for g in range(4)])
    for name, labels in (
        ("accurate", methanol.accurate.select(rows)),
        ("cheap", methanol.cheap.select(np.arange(0, 20_000, 100))),
    ):
        arrays = {"R": labels.positions, "E": labels.energy, "F": labels.forces, "replica": labels.group}
        np.savez(folder / f"{name}.npz", z=labels.numbers, **arrays)


def sweep_of(folder: Path, *changes: tuple[str, str]) -> Sweep:
    """The tiny sweep with pieces of its text changed."""
    text = SWEEP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_sweep(text, "sweep.yaml", folder)


class Counting:
    """A serial executor that remembers what it was given and can stop before a pack."""

    slots = 1

    def __init__(self, stop_before: int | None = None) -> None:
        self.packs: list[Pack] = []
        self.closed = 0
        self._stop_before = stop_before
        self._inner: SerialExecutor | None = None

    def __call__(self, bank: FrameBank) -> Counting:
        self._inner = SerialExecutor(bank)
        return self

    @property
    def trained(self) -> Counter[str]:
        """How often each stage was trained, fillers of a pack counted once."""
        return Counter(key for pack in self.packs for key in {spec.key for spec in pack.specs})

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        if len(self.packs) == self._stop_before:
            raise KeyboardInterrupt
        self.packs.append(job.pack)
        assert self._inner is not None
        return self._inner.submit(job)

    def close(self) -> None:
        self.closed += 1


def quiet(_: Progress | str) -> None:
    pass


def run(workload: Workload, folder: Path, executor: Callable[[FrameBank], Any] | None = None) -> pd.DataFrame:
    return run_workload(workload, folder, executor or Counting(), quiet, quiet)


def copy_of(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def lines(folder: Path, measured: tuple[str, ...] = MEASURED) -> list[dict[str, str]]:
    """The table as written, digit for digit, without what a clock has measured."""
    with (folder / "results.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in measured} for row in csv.DictReader(file)]


def stage_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of the store with its inode and time of writing."""
    files = (path for path in (folder / "store").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
