"""Numbers of labels of a lower level between those that were run: each is told from its neighbours, and compared.

    python benchmarks/numbers_between.py run FOLDER [--data DATA] [--only NAME ...] [--seeds 3]
    python benchmarks/numbers_between.py judge FOLDER

`run` is the study of `ladders.py` with four numbers of labels of the level between (60, 120, 250 and 480 of methanol;
60, 120, 250 and 500 of formaldehyde) and goes on where it was stopped. `judge` leaves out each inner number in turn
and predicts its means from the next smaller and larger one (`analysis.surface.neighbours`): by strategy, how many lie
in 90 % bands, the root mean square of the misses, and what the second derivative of the log error was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ladders import each_set, run_ladder

from analysis.curves.curves import competing_curves, curves_of
from analysis.curves.evidence import evidence_of
from analysis.surface.neighbours import check_counts, gaps
from study.tables.results import read_results

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.curves.curves import Curve
    from analysis.curves.evidence import Evidence

COUNTS = {"methanol": [60, 120, 250, 480], "formaldehyde": [60, 120, 250, 500]}
STRATEGIES = ["accurate_only", "pretrain_finetune", "residual", "ladder_finetune", "ladder_residual", "ladder_delta"]


def main() -> None:
    each_set(__doc__, run, judge, seeds=3)


def run(name: str, folder: Path, data: Path | None, n_seeds: int) -> None:
    """One study."""
    run_ladder(name, folder, data, {"strategies": STRATEGIES, "seeds": list(range(n_seeds))}, COUNTS)


def judge(name: str, folder: Path) -> None:
    """The table of one study."""
    table = read_results(folder)
    curves = competing_curves(curves_of(table))
    known = [evidence_of(curve) for curve in curves]
    print(f"\n{name}, {table['seed'].nunique()} seeds\n")
    print("| strategy, level | in 90 % bands | rms off | second derivative |")
    print("|---|---|---|---|")
    for strategy, level in dict.fromkeys((own.curve.key.strategy, own.curve.key.cheap_level) for own in known):
        some = [own for own in known if (own.curve.key.strategy, own.curve.key.cheap_level) == (strategy, level)]
        check = check_counts(some)
        if check is not None:
            found = f"{check.covered} of {check.cells} | {np.expm1(check.log_rmse):.1%}"
            print(f"| {strategy}, {level} | {found} | {bends(some)} |")
    check = check_counts(known)
    if check is not None:
        print(f"| together | {check.covered} of {check.cells} | {np.expm1(check.log_rmse):.1%} | {bends(known)} |")


def bends(known: list[Evidence]) -> str:
    """Mean and standard deviation of the second derivative of the log error by the log of the number, with noise."""
    found = []
    for first, second in zip(gaps(known), gaps(known)[1:], strict=False):
        if first.more is not second.fewer:
            continue
        slopes = []
        for gap in (first, second):
            ends = [_means(own.curve) for own in (gap.fewer, gap.more)]
            shared = sorted(set(ends[0]) & set(ends[1]))
            slopes.append({n: (ends[1][n] - ends[0][n]) / gap.width for n in shared})
        width = (first.width + second.width) / 2
        found += [(slopes[1][n] - slopes[0][n]) / width for n in slopes[0] if n in slopes[1]]
    return f"{np.mean(found):.2f} ± {np.std(found):.2f}" if found else "-"


def _means(curve: Curve) -> dict[int, float]:
    budgets, errors = curve.budget, curve.error_ev_ang
    return {int(n): float(np.log(errors[budgets == n]).mean()) for n in np.unique(budgets)}


if __name__ == "__main__":
    main()
