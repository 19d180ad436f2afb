"""Large tables and large molecules: seconds and memory of `plan`, `fit` and `check`, each in a process of its own.

    python benchmarks/sizes.py [--only plan]

A results table of 200,000 rows (100 budgets), one of 1,000 budgets with three seeds, a table of 1,000 numbers of labels
for `fit`, and label files of an alkane of 302 atoms, on springs along its bonds: 300 accurate and 900 cheap frames.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.files import write_record
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"
STRATEGIES = ("accurate_only", "pretrain_finetune")
SWEEP = """name: alkane
data:
  accurate: {file: accurate.npz, level: ccsd_t/cc-pvdz, energy_unit: eV, length_unit: Angstrom, price: 1h}
  cheap: {file: cheap.npz, level: gfn2-xtb, energy_unit: eV, length_unit: Angstrom, price: 1s, sampling_price: 1s}
test: {share: 0.3}
strategies: [accurate_only, pretrain_finetune]
budgets: [20, 50, 100]
n_cheap: [500]
seeds: [0, 1]
identify: {steps: 1000, learning_rate: 0.005}
pretrain: {steps: 2000, learning_rate: 0.005}
finetune:
  standard: {steps: 1000, learning_rate: 0.0005}
"""


def run_folder(folder: Path, budgets: np.ndarray, seeds: int) -> Path:
    """A finished run of two strategies as far as `plan` reads it."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
    values |= {"status": "ok", "n_test": 300, "recipe_core_s": 2.0}
    rows = results_frame([values | {"strategy": s, "gamma_rel": g, "n_cheap": n, "budget": 1, "seed": 0,
                                    "test_force_mae_ev_ang": 1.0}
                          for s, g, n in zip(STRATEGIES, (np.nan, np.inf), (0, 4000), strict=True)])  # fmt: skip
    budget, seed = (grid.ravel() for grid in np.meshgrid(budgets, np.arange(seeds), indexing="ij"))
    parts = []
    for number in range(2):
        part = rows.iloc[[number] * len(budget)].reset_index(drop=True)
        part["budget"], part["seed"] = budget, seed
        part["n_train"], part["n_val"] = budget - budget // 5, budget // 5
        noise = np.exp(0.05 * rng.normal(size=len(budget)))
        part["test_force_mae_ev_ang"] = (2.0 - number) * KCAL_PER_MOL_EV * (budget / 20) ** -0.5 * noise
        parts.append(part)
    table = pd.concat(parts, ignore_index=True).astype(rows.dtypes.to_dict()).drop(columns=list(COUNT_COLUMNS))
    table.to_parquet(folder / "results.parquet", index=False)
    prices = PriceList(ACCURATE, CHEAP, {ACCURATE: LevelPrice(28.0, "given"), CHEAP: LevelPrice(0.002, "given", 0.02)})
    ledger = {f"{kind}_cpu_s": 1.0 for kind in ("accurate", "cheap", "evaluation")}
    ledger |= {"accurate_labels_assumed_bought": 900, "cheap_frames_assumed_bought": 900, "evaluation_labels": 300}
    manifest = {
        "status": "complete", "name": "large", "molecule": "CH4O", "level_accurate": ACCURATE, "level_cheap": CHEAP,
        "pool_size": 100_000, "n_test": 300, "rows": len(table), "ledger": ledger | {"sweep_core_s": 1.0},
        "sweep": {"name": "large", "budgets": [20, 50], "test": {"groups": [3], "share": None}, "data": {"prices": {}},
                  "finetune": {"standard": {"steps": 1500, "rho": 0.99}}},
        "prices": prices.to_json(), "versions": {}, "hardware": {}, "data_card_lines": [],
    }  # fmt: skip
    write_record(folder / "manifest.json", manifest)
    return folder


def alkane(carbons: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atomic numbers, positions in Å, and bonds of a stretched chain."""
    along, up, side = 1.27, 0.42, 0.89
    numbers: list[int] = []
    positions: list[np.ndarray] = []
    bonds: list[tuple[int, int]] = []
    previous = 0
    for i in range(carbons):
        sign = 1 if i % 2 else -1
        middle = np.array([along * i, up * sign, 0.0])
        hydrogens = [middle + np.array([0, 0.63 * sign, z]) for z in (side, -side)]
        if i in (0, carbons - 1):
            hydrogens.append(middle + np.array([-1.03 if i == 0 else 1.03, -0.36 * sign, 0]))
        if i:
            bonds.append((previous, len(numbers)))
        previous = len(numbers)
        bonds += [(previous, previous + 1 + k) for k in range(len(hydrogens))]
        numbers += [6, *[1] * len(hydrogens)]
        positions += [middle, *hydrogens]
    return np.array(numbers), np.array(positions), np.array(bonds)


def write_alkane(folder: Path) -> Path:
    """Two label files and a sweep file of the alkane."""
    numbers, rest, bonds = alkane(100)
    apart = np.linalg.norm(rest[:, None] - rest[None], axis=2)
    first, second = np.nonzero(np.triu(apart < 2.7, 1))
    bonded = np.isin(first * len(numbers) + second, bonds[:, 0] * len(numbers) + bonds[:, 1])
    stiff = np.where(bonded, 20.0, 2.0)
    rng = np.random.default_rng(1)
    positions = rest + 0.04 * rng.normal(size=(900, *rest.shape))
    difference = positions[:, first] - positions[:, second]
    length = np.linalg.norm(difference, axis=2)
    for name, scale, n in (("accurate", 1.0, 300), ("cheap", 0.93, 900)):
        stretch = length[:n] - scale**0.02 * apart[first, second]
        pull = -(2 * scale * stiff * stretch / length[:n])[:, :, None] * difference[:n]
        forces = np.zeros_like(positions[:n])
        for pair, (a, b) in enumerate(zip(first, second, strict=True)):
            forces[:, a] += pull[:, pair]
            forces[:, b] -= pull[:, pair]
        energy = -1e4 + (scale * stiff * stretch**2).sum(axis=1)
        np.savez(folder / f"{name}.npz", z=numbers, R=positions[:n], E=energy, F=forces)
    sweep = folder / "alkane.yaml"
    sweep.write_text(SWEEP)
    return sweep


def measured(*words: str) -> str:
    """Run the program; what it took and how it ended."""
    began = time.perf_counter()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "sweeps", *words],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)],
    )
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    return (
        f"exit {os.waitstatus_to_exitcode(status)}, {wall:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of CPU), "
        f"{used.ru_maxrss / 2**20:.2f} GiB"
    )


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target = ("--target", "0.3 kcal/mol/A")
        if only in "plan":
            many_rows = run_folder(folder / "rows", np.unique(np.geomspace(10, 10_000, 100).astype(int)), 1100)
            print("plan, 200,000 rows:", measured("plan", str(many_rows), *target), flush=True)
            many_budgets = run_folder(folder / "budgets", np.arange(10, 1010), 3)
            print("plan, 1,000 budgets:", measured("plan", str(many_budgets), *target), flush=True)
        if only in "fit":
            rng = np.random.default_rng(2)
            n = np.arange(10, 1010)
            errors = pd.DataFrame({"n": n, "mae": 3 * n**-0.5 * np.exp(0.05 * rng.normal(size=len(n)))})
            errors.to_csv(folder / "many.csv", index=False)
            print(
                "fit, 1,000 numbers:", measured("fit", str(folder / "many.csv"), "--x", "n", "--y", "mae"), flush=True
            )
        if only in "check":
            print("check, 300 + 900 frames of 302 atoms:", measured("check", str(write_alkane(folder))), flush=True)


if __name__ == "__main__":
    main()
