"""What the accuracy benchmarks share: label files for a sweep, the run itself, and comparisons paired by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from asteroid.io.write import write_labels
from asteroid.units import KCAL_PER_MOL_EV
from study.config.sweep_text import parse_sweep
from study.engine.executors import SerialExecutor
from study.ray_backend.executor import RayExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import LabelSet
    from study.engine.executors import Executor
    from study.engine.progress import Progress


def data_section(accurate: LabelSet, cheap: LabelSet, folder: Path) -> str:
    """Write both levels into a folder; the `data` section of a sweep that reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["data:"]
    for role, labels, price in (("accurate", accurate, "28s"), ("cheap", cheap, "1.4ms")):
        path = folder / f"{role}.npz"
        if not path.exists():
            write_labels(labels, path)
        lines.append(f"  {role}: {{file: {path.name}, price: {price}}}")
    return "\n".join(lines) + "\n"


def run_sweep(text: str, folder: Path, workers: int) -> pd.DataFrame:
    """Run a sweep in a folder, or go on with it; its results table."""
    sweep = parse_sweep(text, "the benchmark's sweep", folder)

    def make_executor(bank: FrameBank) -> Executor:
        return RayExecutor(bank, workers=workers) if workers > 1 else SerialExecutor(bank)

    seen = ""

    def tell(progress: Progress) -> None:
        nonlocal seen
        if progress.activity != seen:
            seen = progress.activity
            print(f"  {progress.stages_done}/{progress.stages_total} {seen}", flush=True)

    return run_workload(make_workload(sweep), folder / sweep.name, make_executor, tell, print)


def errors(table: pd.DataFrame, strategy: str, budget: int, gamma_rel: float | None = None) -> pd.Series[float]:
    """Test force MAE (kcal/mol/Å) by seed."""
    rows = table[(table["strategy"] == strategy) & (table["budget"] == budget)]
    if gamma_rel is not None:
        rows = rows[rows["gamma_rel"] == gamma_rel]
    return rows.set_index("seed")["test_force_mae_ev_ang"].sort_index() / KCAL_PER_MOL_EV


def paired_change(new: pd.Series[float], old: pd.Series[float]) -> tuple[float, float, float]:
    """Relative change from old to new, paired by seed, with its 90 % t interval: (change, low, high)."""
    ratios = np.log((new / old).to_numpy())
    n = len(ratios)
    half = stats.t.ppf(0.95, n - 1) * ratios.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    middle = float(ratios.mean())
    change, low, high = (float(np.expm1(value)) for value in (middle, middle - half, middle + half))
    return change, low, high
