"""Does one model of several molecules save labels? Water, formaldehyde and methanol together against each alone.

    python benchmarks/several_molecules.py [FOLDER] [--level ccsd_t/6-31g] [--labels 200]

Samples each molecule with GFN2-xTB at 500 K, labels some of the frames with coupled cluster, and runs the same SchNet
study on all three molecules with three times the labels, cheap frames and steps that each molecule has alone.
Everything goes through the commands and lies in FOLDER: killed and started again, it goes on. About half an hour on
one core.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import pandas as pd
from ase.build import molecule
from ase.io import write

from asteroid.units import KCAL_PER_MOL_EV

#: ASE's names and chemical formulas.
MOLECULES = {"H2O": "H2O", "H2CO": "CH2O", "CH3OH": "CH4O"}
BUDGETS = (15, 30, 60, 120)
N_CHEAP = 900
REPLICAS = 4
SWEEP = """
name: {name}
data:
  accurate: {{file: {name}_labels.xyz, price: 1s}}
  cheap: {{file: {name}_pool.xyz, price: 2ms, sampling_price: 28ms}}
test: {{groups: [3]}}
strategies: [accurate_only, pretrain_finetune]
budgets: {budgets}
n_cheap: [{n_cheap}]
seeds: [0, 1]
model: {{architecture: schnet, hidden: 48, layers: 3}}
identify: {{steps: {steps}, learning_rate: 0.003}}
pretrain: {{steps: {pretrain_steps}, learning_rate: 0.003}}
finetune:
  standard: {{steps: {finetune_steps}, learning_rate: 0.0005}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="several_molecules", type=Path)
    parser.add_argument("--level", default="ccsd_t/6-31g")
    parser.add_argument("--labels", default=200, type=int, help="of each molecule, test labels included")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    for name in MOLECULES:
        make_labels(options.folder, name, options.level, options.labels)
    for kind in ("labels", "pool"):
        parts = [(options.folder / f"{name}_{kind}.xyz").read_text() for name in MOLECULES]
        (options.folder / f"together_{kind}.xyz").write_text("".join(parts))
    found = [study(options.folder, name, 1) for name in MOLECULES]
    report(pd.concat([*found, study(options.folder, "together", len(MOLECULES))]))


def make_labels(folder: Path, name: str, level: str, n_labels: int) -> None:
    """Frames of one molecule with cheap labels, and accurate labels of some of them."""
    write(folder / f"{name}.xyz", molecule(name))  # type: ignore[no-untyped-call]
    frames = 1500 // REPLICAS
    sampling = f"--temperature 500 --replicas {REPLICAS} --frames {frames} --equilibration 1ps"
    command(folder, f"sample {name}.xyz {sampling} --out {name}_pool.xyz")
    command(folder, f"label {name}_pool.xyz --level {level} --n {n_labels} --out {name}_labels.xyz")


def study(folder: Path, name: str, scale: int) -> pd.DataFrame:
    """Errors of one study: rows of strategy, labels per molecule, molecule, seed and its force MAE."""
    text = SWEEP.format(
        name=name,
        budgets=[scale * n for n in BUDGETS],
        n_cheap=scale * N_CHEAP,
        steps=1500 * scale,
        pretrain_steps=3000 * scale,
        finetune_steps=600 * scale,
    )
    (folder / f"{name}.yaml").write_text(text)
    command(folder, f"run {name}.yaml --out runs/{name}")
    run = folder / "runs" / name
    if scale > 1:
        table = pd.read_csv(run / "molecules.csv").assign(model="together")
    else:
        table = pd.read_csv(run / "results.csv").assign(model="alone", molecule=MOLECULES[name])
    return table.assign(
        labels=table["budget"] // scale, force_mae_kcal=table["test_force_mae_ev_ang"] / KCAL_PER_MOL_EV
    )


def report(table: pd.DataFrame) -> None:
    """Mean errors over the seeds, alone and together, at equal labels for each molecule."""
    means = table.pivot_table("force_mae_kcal", ["strategy", "molecule", "labels"], "model", "mean")
    means["ratio"] = means["together"] / means["alone"]
    print("force MAE in kcal/mol/Å at about equal numbers of labels of each molecule\n")
    print("| strategy | molecule | labels of it | alone | together | ratio |\n|---|---|---|---|---|---|")
    for row in means.reset_index().to_dict("records"):
        numbers = " | ".join(f"{row[name]:.2f}" for name in ("alone", "together", "ratio"))
        print(f"| `{row['strategy']}` | {row['molecule']} | {row['labels']} | {numbers} |")


def command(folder: Path, arguments: str) -> None:
    """One command of the toolkit in the folder; its output goes to the terminal."""
    subprocess.run([sys.executable, "-m", "sweeps", *arguments.split()], cwd=folder, check=True)


if __name__ == "__main__":
    main()
