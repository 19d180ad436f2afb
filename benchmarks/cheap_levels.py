"""Which cheap level delta-learning needs the fewest accurate labels on: GFN2-xTB or SO3LR.

    python benchmarks/cheap_levels.py FOLDER [--levels gfn2-xtb,so3lr] [--seeds 5] [--labels ethanol_ccsd_t-train.npz]

On the packaged methanol (CCSD(T)/cc-pVDZ, replica 3 is the test set), or a file of labels in kcal/mol and Å, of which
30 % are the test set. For each level: its labels at all geometries with accurate labels (kept in the folder: killed, it
goes on), one sweep of delta-learning over six budgets and the seeds, and the smallest number of labels that the fitted
curve promises two targets for, at 90 %. SO3LR needs its package (docs/levels.md).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from study.run.hardware import use_one_thread

use_one_thread()

import numpy as np  # noqa: E402
from studies import run_sweep  # noqa: E402

from asteroid.checks.guards import drop_duplicates  # noqa: E402
from asteroid.datasets import load_methanol  # noqa: E402
from asteroid.io.declaration import Declaration  # noqa: E402
from asteroid.io.read import read_labels  # noqa: E402
from asteroid.io.write import write_labels  # noqa: E402
from asteroid.labelling.labeller import Method  # noqa: E402
from asteroid.units import KCAL_PER_MOL_EV  # noqa: E402
from study.labelling.label_run import LabelJob, run_labels  # noqa: E402

TARGETS = ("0.3 kcal/mol/A", "0.15 kcal/mol/A")
BUDGETS = (25, 50, 75, 100, 150, 200)
SWEEP = """
name: {name}
data:
  accurate: {{file: accurate.npz, price: 28s}}
  cheap: {{file: {name}.npz, level: "{level}", price: {price}s}}
test: {test}
strategies: [gdml_delta]
budgets: {budgets}
seeds: {seeds}
identify: {{steps: 100, learning_rate: 0.007}}
kernel: {{sigmas: [10]}}
"""


def main(folder: Path, levels: list[str], n_seeds: int, file: Path | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if file is None:
        accurate, test = load_methanol().accurate, "{groups: [3]}"
    else:
        declared = Declaration(level="ccsd_t/cc-pvtz", energy_unit="kcal/mol", length_unit="Angstrom")
        accurate, test = drop_duplicates(read_labels(file, declared).labels)[0], "{share: 0.3}"
    if not (folder / "accurate.npz").exists():
        write_labels(accurate, folder / "accurate.npz")
    heads = ["cheap level", "own error", "ms a label", *(f"B = {n}" for n in BUDGETS), *(f"N* at {t}" for t in TARGETS)]
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for level in levels:
        name = level.replace("/", "_").replace(":", "_")
        job = LabelJob(accurate, Method(level), None, 0)
        cheap = run_labels(job, folder / f"{name}.work", 1, lambda _: None).labels
        assert cheap.cpu_s is not None
        assert cheap.forces is not None
        assert accurate.forces is not None
        if not (folder / f"{name}.npz").exists():
            write_labels(cheap, folder / f"{name}.npz")
        price = float(np.median(cheap.cpu_s))
        own = np.abs(cheap.forces - accurate.forces).mean() / KCAL_PER_MOL_EV
        seeds = list(range(n_seeds))
        axes = {"budgets": list(BUDGETS), "seeds": seeds, "test": test}
        text = SWEEP.format(name=name, level=level, price=f"{price:.3g}", **axes)
        table = run_sweep(text, folder, 1)
        errors = table.groupby("budget")["test_force_mae_ev_ang"].agg(["mean", "std"]) / KCAL_PER_MOL_EV
        cells = [f"{errors['mean'][n]:.3f} ± {errors['std'][n]:.3f}" for n in BUDGETS]
        needed = [labels_needed(folder / name, target) for target in TARGETS]
        rows.append(f"| {' | '.join([f'`{level}`', f'{own:.2f}', f'{1000 * price:.1f}', *cells, *needed])} |")
        print(f"{level}: {table['use_cpu_s_per_frame'].median() * 1000:.1f} CPU ms a prediction", flush=True)
    print("\n".join(rows))


def labels_needed(run: Path, target: str) -> str:
    """The plan's number of labels, with the ends of its interval and its caveats."""
    words = [sys.executable, "-m", "sweeps", "plan", str(run), "--target", target, "--json"]
    told = json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout or "{}")
    if not told.get("label"):
        return "cannot be promised"
    low, high = told["interval"]["n_accurate"]
    return " ".join([f"{told['n_accurate']} [{low}, {high}]", *told["status"]])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--levels", default="gfn2-xtb,so3lr")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", type=Path)
    given = parser.parse_args()
    main(given.folder, given.levels.split(","), given.seeds, given.labels)
