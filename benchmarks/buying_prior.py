"""The table of known curves behind the learnt prior of `analysis.buying`: slope and floor of each, fitted alike.

    python benchmarks/buying_prior.py [--nequip FOLDER]

Prints the rows of `analysis/buying/known_curves.csv`, and the prior that it teaches with each system left out.
Sources: this package's own curves of methanol and ethanol (means and standard deviations of five seeds, from
`benchmarks/README.md`), and the public runs of NequIP on silicon and carbon, three to five seeds each
(DOI 10.1088/2632-2153/ad1626), from a checkout of github.com/jla-gardner/nnp-pre-training. Without `--nequip` the
curves of the latter are kept as they are in the table.
"""

from __future__ import annotations

import argparse
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.buying.known_curves import KnownCurve, known_curves
from analysis.buying.prior import learnt_prior
from analysis.curves.power_law import fit_power_law, fit_published

if TYPE_CHECKING:
    from analysis.curves.power_law import PowerLawFit

#: Labels at which a floor is told as a share of the error, and the largest size that is fitted.
AT, LARGEST = 50, 1600
PARENT = ["config|dataset_name", "config|labels", "config|n_train"]
METHANOL, ETHANOL = (25, 50, 100, 200), (25, 50, 100, 200, 340)
#: system, strategy -> budgets, means and standard deviations of five seeds, kcal/mol/Å.
OWN = {
    ("methanol", "accurate_only"): (METHANOL, (0.841, 0.413, 0.271, 0.210), (0.100, 0.034, 0.020, 0.006)),
    ("methanol", "gdml"): (METHANOL, (1.435, 0.867, 0.551, 0.354), (0.165, 0.077, 0.015, 0.009)),
    ("methanol", "pretrain_finetune"): (METHANOL, (0.324, 0.227, 0.169, 0.149), (0.032, 0.010, 0.008, 0.008)),
    ("methanol", "asteroid"): (METHANOL, (0.339, 0.236, 0.173, 0.161), (0.025, 0.009, 0.005, 0.011)),
    ("methanol", "residual"): (METHANOL, (0.338, 0.212, 0.160, 0.139), (0.033, 0.010, 0.012, 0.007)),
    ("methanol", "gdml_residual"): (METHANOL, (0.457, 0.305, 0.205, 0.147), (0.023, 0.014, 0.007, 0.004)),
    ("methanol", "gdml_delta"): (METHANOL, (0.449, 0.280, 0.182, 0.122), (0.029, 0.011, 0.007, 0.003)),
    ("ethanol", "accurate_only"): (
        ETHANOL,
        (2.741, 1.371, 0.733, 0.442, 0.344),
        (0.111, 0.077, 0.030, 0.020, 0.001),
    ),
    ("ethanol", "gdml"): (ETHANOL, (2.248, 1.715, 1.194, 0.797, 0.594), (0.134, 0.066, 0.033, 0.016, 0.013)),
    ("ethanol", "pretrain_finetune"): (
        ETHANOL,
        (0.477, 0.344, 0.267, 0.227, 0.207),
        (0.020, 0.009, 0.012, 0.007, 0.008),
    ),
    ("ethanol", "asteroid"): (ETHANOL, (0.467, 0.353, 0.272, 0.225, 0.210), (0.034, 0.019, 0.012, 0.005, 0.002)),
    ("ethanol", "residual"): (ETHANOL, (0.410, 0.308, 0.243, 0.211, 0.195), (0.015, 0.013, 0.008, 0.005, 0.007)),
    ("ethanol", "gdml_residual"): (ETHANOL, (0.386, 0.316, 0.261, 0.224, 0.195), (0.015, 0.013, 0.010, 0.006, 0.006)),
}
OWN_SOURCE, NEQUIP_SOURCE = "benchmarks/README.md", "DOI 10.1088/2632-2153/ad1626"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nequip", type=Path, help="checkout of nnp-pre-training")
    options = parser.parse_args()
    curves = [
        summary(system, strategy, fit_published(budget, mean, sd, [5] * len(budget)), OWN_SOURCE)
        for (system, strategy), (budget, mean, sd) in OWN.items()
    ]
    kept = [curve for curve in known_curves() if curve.source == NEQUIP_SOURCE]
    curves += kept if options.nequip is None else nequip(options.nequip)
    for curve in curves:
        print(*astuple(curve), sep=",")
    for left_out in ((), *((system,) for system in dict.fromkeys(curve.system for curve in curves))):
        prior = learnt_prior(left_out)
        print(f"without {', '.join(left_out) or 'nothing'}: {prior.slopes}, floor b {prior.floor_b:.2f}")


def summary(system: str, strategy: str, fit: PowerLawFit, source: str) -> KnownCurve:
    """Mean and spread of the log slope, and the floor's mean share of the error at `AT` labels."""
    log_slope = np.log(fit.alpha)
    decay = (1 - fit.phi) * (AT / fit.largest_budget) ** -fit.alpha
    floor = fit.phi / (decay + fit.phi)
    slope, spread, share = (round(float(value), 2) for value in (log_slope.mean(), log_slope.std(), floor.mean()))
    return KnownCurve(system, strategy, slope, spread, share, source)


def nequip(folder: Path) -> list[KnownCurve]:
    """The curves of each published set with three seeds or more, from scratch and pretrained on 10,000 frames."""
    scratch, tuned = (
        pd.read_csv(folder / f"results/{name}/version-1/observations.csv")
        for name in ("direct_training", "fine_tuning")
    )
    tuned = tuned[tuned["config|checkpoint"] == "best"].merge(
        scratch[["id", "config|dataset_name", "config|labels", "config|n_train"]].rename(
            columns=lambda c: f"parent {c}"
        ),
        left_on="config|pretrain_id",
        right_on="parent id",
    )
    tuned = tuned[tuned["parent config|n_train"] == 10_000]
    tuned["how"] = tuned["parent config|dataset_name"] + " " + tuned["parent config|labels"]
    tuned = tuned.rename(columns={"config|n_finetune": "n", "config|finetune_dataset": "system"})
    scratch = scratch.assign(how="scratch").rename(columns={"config|n_train": "n", "config|dataset_name": "system"})
    curves = []
    for (system, how), runs in pd.concat([scratch, tuned]).groupby(["system", "how"], sort=True):
        runs = runs[(runs["n"] <= LARGEST) & (runs["config|r_max"] == 4.0) & (runs["config|num_features"] == 32)]
        seeds = runs.groupby("n").size()
        if len(seeds) >= 4 and seeds.min() >= 3:
            fit = fit_power_law(runs["n"], runs["result|test|force_rmse"])
            curves.append(summary(str(system), str(how), fit, NEQUIP_SOURCE))
    return curves


if __name__ == "__main__":
    main()
