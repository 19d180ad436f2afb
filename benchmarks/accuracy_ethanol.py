"""Test error of every strategy on ethanol, PBE/def2-SVP to CCSD(T)/cc-pVTZ, against the number of labels.

    python benchmarks/accuracy_ethanol.py FOLDER [--quick] [--out RUNS] [--workers 2] [--setting accurate]

FOLDER holds `ethanol_ccsd_t-train.npz` and `ethanol_rmd17.npz` (or the published `rmd17_ethanol.npz`). The split:
CCSD(T) rows 736 and 826 repeat others and are dropped; of the other 998, permuted with numpy's default_rng(0), the
first 300 are the test set and the rest is the pool; cheap frames are the revised MD17 frames whose geometry is no
CCSD(T) frame's.
Budgets B count training and validation labels; N = .8 B of them are trained on, all B by the kernels. `gdml_delta` is
left out: PBE labels exist for 23 of the accurate geometries only. Killed and run again with the same --out, it goes on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from studies import data_section, run_sweep

from asteroid.checks.guards import drop_duplicates
from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.labels.label_set import LabelSet
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    import pandas as pd

ACCURATE, CHEAP = "ethanol_ccsd_t-train.npz", ("ethanol_rmd17.npz", "rmd17_ethanol.npz")
REPEATED_ROWS = (736, 826)
N_TEST = 300
SWEEP = """
name: ethanol-{name}
test: {{groups: [1]}}
strategies: [accurate_only, cheap_only, pretrain_finetune, asteroid, asteroid_unlabelled, residual, gdml, gdml_residual]
budgets: {budgets}
n_cheap: [{n_cheap}]
gamma_rel: [1, inf]
seeds: {seeds}
{setting}
"""
#: Schedules and sizes: as quick as the presets, or up to five core-minutes for a model.
SETTINGS = {
    "quick": """
identify: {steps: 3000, learning_rate: 0.007}
pretrain: {steps: 5000, learning_rate: 0.007}
score_match: {steps: 1500, learning_rate: 0.005}
residual: {steps: 2000, learning_rate: 0.005}
finetune:
  slow: {steps: 1500, learning_rate: 0.0005}
  fast: {steps: 1500, learning_rate: 0.003}
""",
    "accurate": """
identify: {steps: 6000, learning_rate: 0.007}
pretrain: {steps: 20000, learning_rate: 0.007}
score_match: {steps: 3000, learning_rate: 0.005}
residual: {steps: 4000, learning_rate: 0.005}
finetune:
  slow: {steps: 2000, learning_rate: 0.0005, validations: 40}
  fast: {steps: 2000, learning_rate: 0.003, validations: 40}
""",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with the two label files")
    parser.add_argument("--quick", action="store_true", help="two budgets, two seeds, the quick setting")
    parser.add_argument("--setting", choices=SETTINGS, default="accurate", help="schedules and sizes")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-cheap", type=int, default=5000, help="cheap frames bought")
    parser.add_argument("--out", type=Path, help="keep the run here and go on with it (default: a temporary folder)")
    parser.add_argument("--workers", type=int, default=2, help="Ray workers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        accurate, cheap = ethanol(options.folder)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.out or Path(temporary)
        name = "quick" if options.quick else options.setting
        sweep = SWEEP.format(
            name=name,
            budgets=[50, 200] if options.quick else [25, 50, 100, 200, 340],
            seeds=list(range(2 if options.quick else options.seeds)),
            n_cheap=1500 if options.quick else options.n_cheap,
            setting=SETTINGS[name],
        )
        # How the published geometries were sampled: 500 K (Chmiela et al., Sci. Adv. 3, e1603015 (2017)).
        prices = "price: 30s, sampling_price: 0, temperature_k: 500"
        data = data_section(accurate, cheap, folder).replace("price: 1.4ms", prices)
        table = run_sweep(sweep + data, folder, options.workers)
    report(table)
    return 0


def ethanol(folder: Path) -> tuple[LabelSet, LabelSet]:
    """Accurate labels with the test set as group 1, and the cheap labels that are no accurate geometry.

    Raises:
        InputError: a file is missing; says what to download.
    """
    cheap_file = next((folder / name for name in CHEAP if (folder / name).exists()), None)
    if cheap_file is None or not (folder / ACCURATE).exists():
        raise InputError(
            f"{folder} must hold {ACCURATE} (ethanol CCSD(T)/cc-pVTZ, 1,000 training frames: www.sgdml.org, or PyG's "
            f"MD17 'ethanol CCSD(T)') and {CHEAP[1]} (revised MD17: doi 10.6084/m9.figshare.12672038): download them"
        )
    whole = read_labels(folder / ACCURATE, Declaration(level="ccsd_t/cc-pvtz")).labels
    kept = whole.select(np.setdiff1d(np.arange(len(whole)), REPEATED_ROWS))
    group = np.zeros(len(kept), dtype=np.int64)
    group[np.random.default_rng(0).permutation(len(kept))[:N_TEST]] = 1
    accurate = LabelSet(kept.numbers, kept.positions, kept.energy, kept.forces, kept.level, group=group)
    pbe = Declaration(level="pbe/def2-svp")
    if cheap_file.name == CHEAP[0]:
        pbe = replace(
            pbe, energy_key="E_pbe_svp", forces_key="F_pbe_svp", energy_unit="kcal/mol", length_unit="Angstrom"
        )
    cheap = drop_duplicates(read_labels(cheap_file, pbe).labels)[0]
    return accurate, cheap


def report(table: pd.DataFrame) -> None:
    """Means over seeds by budget, with their standard deviation, training set size and cost of a model."""
    table = table.assign(
        error=table["test_force_mae_ev_ang"] / KCAL_PER_MOL_EV,
        strategy=table["strategy"]
        + (", γ = " + table["gamma_rel"].map("{:g}".format)).where(table["strategy"] == "asteroid", "")
        + (", " + table["schedule"] + " fine-tuning").where(table["schedule"] != "", ""),
    )
    print("\nTest force MAE (kcal/mol/Å), mean ± standard deviation over seeds; core minutes of one chain of stages.\n")
    budgets = sorted(set(table["budget"]) - {0})
    print(
        "| strategy | " + " | ".join(f"B = {b} (N = {b - b // 5})" for b in budgets) + " | core min | CPU ms a frame |"
    )
    print("|---|" + "---|" * (len(budgets) + 2))
    for strategy, rows in table.groupby("strategy"):
        cells = []
        for budget in budgets:
            own = rows.loc[rows["budget"].isin([budget, 0]), "error"]
            cells.append(f"{own.mean():.3f} ± {own.std():.3f}" if len(own) else "")
        minutes, use = rows["recipe_core_s"].max() / 60, rows["use_cpu_s_per_frame"].median() * 1e3
        print(f"| {strategy} | " + " | ".join(cells) + f" | {minutes:.1f} | {use:.1f} |")


if __name__ == "__main__":
    sys.exit(main())
