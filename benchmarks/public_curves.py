"""Published learning curves without their largest sizes: how far off is the forecast, do the bands hold.

    python benchmarks/public_curves.py [SIZES_LEFT_OUT...]

`public_curves.csv` holds force errors of NequIP, means and standard deviations over runs that differ in seed (meV/Å,
RMSE on the test set), by J. L. A. Gardner, K. T. Baker and V. L. Deringer, Mach. Learn.: Sci. Technol. 5 (2024) 015003
(DOI 10.1088/2632-2153/ad1626, results of github.com/jla-gardner/nnp-pre-training): carbon, silicon and buckyballs, from
scratch and after pretraining on synthetic data. Every curve of at least four sizes after leaving out is fitted and
asked for the largest size of all. Compared are the log of the forecast's median with the log of the published mean
(root mean square over curves), the share of runs in the 90 % band of a new run (runs scatter log-normally about their
mean with the published standard deviation; a mean of one run is that run), and how many curves are refused; beside it
straight lines through the last two sizes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

from analysis.curves.curve_key import CurveKey
from analysis.curves.curves import Curve, with_shared_noise
from analysis.curves.evidence import evidence_of
from analysis.curves.power_law import fit_published, predict
from analysis.curves.replicates import published_replicates
from study.counts import CheapPurchase

TABLE = Path(__file__).resolve().with_name("public_curves.csv")
FEWEST = 4


def judge(own: pd.DataFrame, left_out: int) -> dict[str, float]:
    """One curve without its largest sizes, asked for the largest."""
    known, asked = own.iloc[:-left_out], own.iloc[-1]
    several = bool(known["n_runs"].notna().all())
    words = (known["n"], known["mean"], known["sd"], known["n_runs"]) if several else (known["n"], known["mean"])
    fit = fit_published(*words)
    refused = False
    if several:
        evidence = evidence_of(published_curve(known))
        refused = evidence.fit is None or evidence.limit < known["n"].iloc[-1] * 1.001
    low, median, high = predict(fit, asked["n"], kind="new_run")[:, 0]
    spread = float(np.sqrt(np.log1p((asked["sd"] / asked["mean"]) ** 2))) if several else 1e-9
    truth = np.log(asked["mean"]) - spread**2 / 2
    inside = ndtr((np.log(high) - truth) / spread) - ndtr((np.log(low) - truth) / spread)
    x, y = np.log(known["n"].to_numpy(dtype=float))[-2:], np.log(known["mean"].to_numpy())[-2:]
    line = y[1] + (y[1] - y[0]) / (x[1] - x[0]) * (np.log(asked["n"]) - x[1])
    named = bool({"lack_of_fit", "bent_curve"} & set(fit.status))
    return {
        "off": float(np.log(median) - truth),
        "line": float(line - truth),
        "inside": float(inside),
        "width": float(np.log(high / low)),
        "refused": float(refused),
        "named": float(named),
    }


def published_curve(known: pd.DataFrame) -> Curve:
    """As the planner sees it; `table_curves` takes so small a scatter as some have for one in another unit."""
    budget, mean = known["n"].to_numpy(dtype=np.int64), known["mean"].to_numpy(dtype=float)
    blank, seeds = np.full(len(known), np.nan), np.arange(len(known))
    summary = published_replicates(budget, mean, known["sd"], known["n_runs"])
    curve = Curve(CurveKey("published"), budget, seeds, mean, blank, blank, CheapPurchase(), summary=summary)
    return with_shared_noise([curve])[0]


def main(sizes: list[int]) -> None:
    table = pd.read_csv(TABLE)
    print(
        "| sizes left out | curves | log-rmse | last two sizes | runs in the 90 % band | band width | refused | named |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for left_out in sizes:
        groups = [own for _, own in table.groupby("curve", sort=False) if len(own) - left_out >= FEWEST]
        for name, kept in (("all", [True, False]), ("with runs", [True]), ("means alone", [False])):
            rows = [judge(own, left_out) for own in groups if bool(own["n_runs"].notna().all()) in kept]
            rms = {what: float(np.sqrt(np.mean([row[what] ** 2 for row in rows]))) for what in ("off", "line")}
            mean = {what: float(np.mean([row[what] for row in rows])) for what in ("inside", "refused", "named")}
            width = float(np.median([row["width"] for row in rows]))
            print(
                f"| {left_out} | {len(rows)}, {name} | {rms['off']:.3f} | {rms['line']:.3f} | {mean['inside']:.3f} | "
                f"{width:.2f} | {mean['refused']:.2f} | {mean['named']:.2f} |"
            )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1, 2])
