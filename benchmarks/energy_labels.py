"""Energies alone against energies with forces as accurate labels, and the price at which an energy is the better buy.

    python benchmarks/energy_labels.py FOLDER [--seeds 3]

On the packaged methanol (replica 3 is the test set): a sweep with CCSD(T) energies and forces, one with the energies
alone, both with 2,000 GFN2-xTB frames (energies and forces), networks trained in the same steps. Errors at equal
numbers of labels for every strategy; then, for 25 and 50 labels with forces, how many energies have the same error (on
a line of logarithms between two budgets), and so what an energy may cost at most, in prices of a label with forces.
Killed, it goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from study.run.hardware import use_one_thread

use_one_thread()

import numpy as np  # noqa: E402
from studies import run_sweep  # noqa: E402

from asteroid.units import KCAL_PER_MOL_EV  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd

SWEEP = """
name: {name}
data: {data}
test: {{groups: [3]}}
strategies: [{strategies}]
budgets: {budgets}
n_cheap: [2000]
seeds: {seeds}
identify: {{steps: 2000, learning_rate: 0.007}}
pretrain: {{steps: 3000, learning_rate: 0.007}}
residual: {{steps: 2000, learning_rate: 0.005}}
finetune:
  standard: {{steps: 1500, learning_rate: 0.0007}}
kernel: {{sigmas: [10]}}
"""
FORCES, ENERGIES = "with forces", "energies alone"
NETWORKS = ("accurate_only", "pretrain_finetune", "residual", "network_delta")
KINDS = {
    FORCES: ("forces", "{dataset: methanol}", (*NETWORKS, "gdml_delta"), [25, 50]),
    ENERGIES: ("energies", "{dataset: methanol, forces: none}", NETWORKS, [25, 50, 100, 200, 400, 800]),
}
COLUMNS = {"forces": "test_force_mae_ev_ang", "energies": "test_energy_free_mae_ev"}
#: Numbers of labels with forces that are compared with energies.
OWNED = (25, 50)


def main(folder: Path, n_seeds: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tables = {}
    for kind, (name, data, strategies, budgets) in KINDS.items():
        axes = {"strategies": ", ".join(strategies), "budgets": budgets, "seeds": list(range(n_seeds))}
        tables[kind] = run_sweep(SWEEP.format(name=name, data=data, **axes), folder, 1)
    print("| strategy | labels | " + " | ".join(f"B = {n}" for n in KINDS[ENERGIES][3]) + " |")
    print("|---" * (2 + len(KINDS[ENERGIES][3])) + "|")
    for strategy in KINDS[FORCES][2]:
        for kind in KINDS:
            if strategy in KINDS[kind][2]:
                cells = [_cell(tables[kind], strategy, n) for n in KINDS[ENERGIES][3]]
                print(f"| `{strategy}` | {kind} | {' | '.join(cells)} |")
    print("\n| strategy | labels with forces | their error | of | energies for it | an energy may cost |")
    print("|---|---|---|---|---|---|")
    for strategy in NETWORKS:
        for owned in OWNED:
            for what, column in COLUMNS.items():
                error, needed, price = _break_even(tables, strategy, owned, column)
                print(f"| `{strategy}` | {owned} | {error:.3f} | {what} | {needed} | {price} |")


def _errors(table: pd.DataFrame, strategy: str, budget: int, column: str) -> pd.Series[float]:
    rows = table[(table["strategy"] == strategy) & (table["budget"] == budget)]
    return rows.set_index("seed")[column] / KCAL_PER_MOL_EV


def _cell(table: pd.DataFrame, strategy: str, budget: int) -> str:
    found = [_errors(table, strategy, budget, column) for column in COLUMNS.values()]
    if found[0].empty:
        return ""
    return " / ".join(f"{own.mean():.3f} ± {own.std():.3f}" for own in found)


def _break_even(tables: dict[str, pd.DataFrame], strategy: str, owned: int, column: str) -> tuple[float, str, str]:
    """The error of labels with forces, how many energies have it, and what one may cost for it."""
    budgets = KINDS[ENERGIES][3]
    target = float(_errors(tables[FORCES], strategy, owned, column).mean())
    means = [_errors(tables[ENERGIES], strategy, n, column).mean() for n in budgets]
    lowest = np.minimum.accumulate(means)
    if target < lowest[-1]:
        return target, f"more than {budgets[-1]} (there {lowest[-1]:.3f})", f"less than {owned / budgets[-1]:.3f}"
    if target >= means[0]:
        return target, f"{budgets[0]} or fewer (there {means[0]:.3f})", f"{owned / budgets[0]:.1f} or more"
    at = int(np.argmax(lowest <= target))
    share = np.log(target / lowest[at - 1]) / np.log(lowest[at] / lowest[at - 1])
    n = float(np.exp(np.log(budgets[at - 1]) + share * np.log(budgets[at] / budgets[at - 1])))
    return target, f"{n:.0f}", f"{owned / n:.3f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    main(given.folder, given.seeds)
