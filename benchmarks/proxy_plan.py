"""Whether a plan made with the fast descriptor network holds for a slower model.

    python benchmarks/proxy_plan.py FOLDER [MODEL ...] [--seeds 0] [--steps-scale 1] [--report]

Runs the same study of methanol (budgets, seeds and strategies alike) with the descriptor network and with each slow
model, at sizes and lengths that one core trains in half an hour, and compares what a plan is made of: the order of the
strategies, their savings, the slopes of their curves, and the numbers of labels that equal errors take. A study that is
stopped goes on when it is started again; --report only reads what is there.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd

from asteroid.units import KCAL_PER_MOL_EV
from study.config.sweep_text import parse_sweep
from study.engine.executors import SerialExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload

BUDGETS = (15, 30, 60, 120, 200)
#: Model sections, the rate that suits each (benchmarks/memorised.py), and that of its fine-tuning.
MODELS = {
    "mlp": ("{architecture: mlp}", 0.007, 0.002),
    "gemnet_t": ("{architecture: gemnet_t, hidden: 32, layers: 2}", 0.002, 0.0005),
    "nequip": ("{architecture: nequip, hidden: 16, layers: 2, l_max: 1}", 0.01, 0.003),
    "mace": ("{architecture: mace, hidden: 16, l_max: 2, l_hidden: 0}", 0.01, 0.003),
    "painn": ("{architecture: painn, hidden: 32, layers: 2}", 0.005, 0.0015),
}
STEPS = {"identify": 2000, "pretrain": 3000, "finetune": 1500}
SWEEP = """
name: proxy
data: {{dataset: methanol}}
test: {{groups: [3]}}
strategies: [accurate_only, cheap_only, pretrain_finetune]
budgets: {budgets}
n_cheap: [4000]
seeds: {seeds}
model: {model}
identify: {{steps: {identify}, learning_rate: {rate}, validations: 8}}
pretrain: {{steps: {pretrain}, learning_rate: {rate}, validations: 4}}
finetune:
  standard: {{steps: {finetune}, learning_rate: {gentle}, validations: 8}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", default=["mlp", "gemnet_t", "nequip", "mace"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps-scale", type=float, default=1.0, help="share of the usual steps")
    parser.add_argument("--report", action="store_true", help="only read what is there")
    options = parser.parse_args()
    if not options.report:
        for name in options.models:
            study(options.folder / name, name, options.seeds, options.steps_scale)
    found = [name for name in MODELS if (options.folder / name / "results.csv").is_file()]
    tables = {name: pd.read_csv(options.folder / name / "results.csv") for name in found}
    report({name: own[own["status"] == "ok"] for name, own in tables.items()})


def study(folder: Path, name: str, seeds: list[int], scale: float) -> None:
    """Run, or go on with, the study of one model."""
    model, rate, gentle = MODELS[name]
    steps = {stage: round(scale * usual) for stage, usual in STEPS.items()}
    text = SWEEP.format(budgets=list(BUDGETS), seeds=seeds, model=model, rate=rate, gentle=gentle, **steps)
    workload = make_workload(parse_sweep(text, name, Path.cwd()))
    run_workload(workload, folder, SerialExecutor, lambda _: None, lambda note: print(note, flush=True))


def report(tables: dict[str, pd.DataFrame]) -> None:
    """Errors, slopes, and labels for equal errors, model by model."""
    columns = " | ".join(f"B = {budget}" for budget in BUDGETS)
    print("force MAE in kcal/mol/Å, mean of the seeds\n")
    print(f"| model | strategy | {columns} | slope | labels saved | core s |\n|{'---|' * (len(BUDGETS) + 5)}")
    for name, table in tables.items():
        curves = {strategy: curve_of(table, strategy) for strategy in learning(table)}
        for strategy, errors in curves.items():
            row = table[table["strategy"] == strategy]
            numbers = " | ".join(f"{error:.2f}" for error in errors)
            slopes = [slope_of(own) for _, own in row.groupby("seed")]
            # Against accurate labels only: labels that take them to the strategy's error at each budget they reach.
            factors = [labels_for(error, curves["accurate_only"]) / b for b, error in zip(BUDGETS, errors, strict=True)]
            saved = [f"{factor:.1f}" if np.isfinite(factor) else "beyond" for factor in factors]
            core_s = row["recipe_core_s"].mean()
            print(
                f"| `{name}` | `{strategy}` | {numbers} | {np.mean(slopes):+.2f} ({min(slopes):+.2f}, "
                f"{max(slopes):+.2f}) | {', '.join(saved)} | {core_s:.0f} |"
            )
    if "mlp" not in tables:
        return
    print("\nlabels that a slow model takes to the descriptor network's error at each budget, over that budget\n")
    print(f"| model | strategy | {columns} |\n|{'---|' * (len(BUDGETS) + 2)}")
    for name, table in tables.items():
        for strategy in learning(table) if name != "mlp" else ():
            fast, slow = curve_of(tables["mlp"], strategy), curve_of(table, strategy)
            ratios = [labels_for(error, slow) / b for b, error in zip(BUDGETS, fast, strict=True)]
            text = " | ".join(f"{ratio:.2f}" if np.isfinite(ratio) else "beyond" for ratio in ratios)
            print(f"| `{name}` | `{strategy}` | {text} |")


def learning(table: pd.DataFrame) -> list[str]:
    """Strategies that learn from accurate labels."""
    return [str(strategy) for strategy in table.loc[table["budget"] > 0, "strategy"].unique()]


def curve_of(table: pd.DataFrame, strategy: str) -> np.ndarray:
    """Mean error of a strategy by budget, kcal/mol/Å."""
    own = table[table["strategy"] == strategy].groupby("budget")["test_force_mae_ev_ang"].mean()
    return own.reindex(BUDGETS).to_numpy() / KCAL_PER_MOL_EV


def slope_of(rows: pd.DataFrame) -> float:
    """Slope of ln(error) against ln(budget), a straight line."""
    return float(np.polyfit(np.log(rows["budget"]), np.log(rows["test_force_mae_ev_ang"]), 1)[0])


def labels_for(error: float, curve: np.ndarray) -> float:
    """Labels at which a curve has an error, by interpolation on logarithmic axes; infinity or zero beyond its ends."""
    falling = np.minimum.accumulate(curve)
    if error < falling[-1]:
        return float("inf")
    if error > falling[0]:
        return 0.0
    return float(np.exp(np.interp(-np.log(error), -np.log(falling), np.log(BUDGETS))))


if __name__ == "__main__":
    main()
