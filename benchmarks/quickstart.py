"""Wall time and peak memory of the quickstart, and what pretraining and the bias weights bring at 50 labels.

    python benchmarks/quickstart.py [RUN_FOLDER]

Trains the preset from scratch in a new folder (default: a temporary one) and watches the process's proportional set
size (PSS). Then compares strategies at 50 CCSD(T) labels, paired by seed: the same subset, weights and batches on
both sides.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from scipy import stats

from asteroid.units import KCAL_PER_MOL_EV
from study.tables.results import read_results

if TYPE_CHECKING:
    import pandas as pd

BUDGET, N_CHEAP = 50, 4000


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "run"
    if not (folder / "manifest.json").exists():
        wall_s, peak_bytes = watch(
            [sys.executable, "-m", "sweeps", "run", "quickstart", "--out", str(folder), "--workers", "2"]
        )
        print(f"quickstart: {wall_s:.0f} s wall, peak PSS {peak_bytes / 2**30:.2f} GiB")
    table = read_results(folder)
    scratch = errors(table, "accurate_only")
    plain = errors(table, "pretrain_finetune")
    report("pretrain_finetune against accurate_only", plain, scratch)
    weighted = table.loc[(table["strategy"] == "asteroid") & np.isfinite(table["gamma_rel"]), "gamma_rel"]
    for gamma_rel in sorted(weighted.unique()):
        report(
            f"asteroid, gamma_rel {gamma_rel:g}, against pretrain_finetune", errors(table, "asteroid", gamma_rel), plain
        )
    if len(sys.argv) == 1:
        shutil.rmtree(folder.parent)


def watch(command: list[str]) -> tuple[float, int]:
    """Run a command; wall seconds and the largest PSS seen, sampled ten times a second."""
    began, peak = time.monotonic(), 0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            peak = max(peak, sum(p.memory_full_info().pss for p in (process, *process.children(recursive=True))))
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    if process.wait():
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.monotonic() - began, peak


def errors(table: pd.DataFrame, strategy: str, gamma_rel: float | None = None) -> pd.Series[float]:
    """Test force MAE by seed in kcal/mol/Å at the benchmark's budget and largest n_cheap, with untuned settings."""
    rows = table[(table["strategy"] == strategy) & (table["budget"] == BUDGET) & (table["schedule"] != "tuned")]
    if strategy != "accurate_only":
        rows = rows[rows["n_cheap"] == N_CHEAP]
    if gamma_rel is not None:
        rows = rows[rows["gamma_rel"] == gamma_rel]
    return rows.set_index("seed")["test_force_mae_ev_ang"] / KCAL_PER_MOL_EV


def report(what: str, errors_a: pd.Series[float], errors_b: pd.Series[float]) -> None:
    """Mean errors and the mean paired change in percent with a 90 % t interval."""
    change = np.log(errors_a / errors_b)
    half = stats.t.ppf(0.95, len(change) - 1) * change.std() / np.sqrt(len(change))
    low, mid, high = 100 * np.expm1([change.mean() - half, change.mean(), change.mean() + half])
    print(
        f"{what}: {errors_a.mean():.3f} against {errors_b.mean():.3f} kcal/mol/Å, "
        f"{mid:+.1f} % [{low:+.1f}, {high:+.1f}], {len(change)} seeds"
    )


if __name__ == "__main__":
    main()
