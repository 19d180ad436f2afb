"""What giving trials up on the way saves, and what it costs.

    python benchmarks/pruning.py [SAMPLER_SEEDS [TRIALS]]

The same search (methanol, 50 CCSD(T) labels, pretraining and fine-tuning on 1,000 xTB frames) with and without pruning,
for several seeds of the sampler (default 3, 24 trials each). Reported: core seconds of what was trained, and the
cross-validated error of the best trial.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from asteroid.units import KCAL_PER_MOL_EV
from study.config.sweep_text import parse_sweep
from study.engine.executors import SerialExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest
from study.tables.trials import read_trials

SWEEP = """
name: pruning
mode: tune
data: {{dataset: methanol}}
test: {{groups: [3]}}
strategies: [pretrain_finetune]
budgets: [50]
n_cheap: [1000]
gamma_rel: [inf]
seeds: [0]
identify: {{steps: 1500, learning_rate: 0.007}}
pretrain: {{steps: 2500, learning_rate: 0.007}}
finetune:
  standard: {{steps: 2000, learning_rate: 0.0005}}
tune:
  budgets: [50]
  trials: {trials}
  trials_per_round: 6
  folds: 3
  subset_seeds: [100, 101]
  sampler_seed: {seed}
  space:
    finetune_learning_rate: {{low: 0.00003, high: 0.03}}
    finetune_final_rate: {{low: 0.005, high: 0.5}}
    rho: {{low: 0.5, high: 1.0}}
"""
RULES = {
    "none": "",
    "median": "  pruning: {method: median}\n",
    "successive halving": "  pruning: {method: successive_halving}\n",
    "successive halving by 3": "  pruning: {method: successive_halving, first: 0.11, factor: 3}\n",
}


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 24
    found: dict[str, list[tuple[float, float, int]]] = {rule: [] for rule in RULES}
    with tempfile.TemporaryDirectory() as name:
        for seed in range(seeds):
            for rule, text in RULES.items():
                folder = Path(name) / f"{seed} {rule}"
                found[rule].append(search(SWEEP.format(trials=trials, seed=seed) + text, folder))
    for rule, runs in found.items():
        core_s, best, pruned = (np.array(own) for own in zip(*runs, strict=True))
        plain_s, plain_best, _ = (np.array(own) for own in zip(*found["none"], strict=True))
        saved, worse = 1 - core_s / plain_s, best / plain_best - 1
        print(
            f"{rule}: {core_s.mean():.0f} core s, {saved.mean():.0%} saved ({saved.min():.0%} to {saved.max():.0%}), "
            f"{pruned.mean():.1f} of {trials} trials given up; best error {best.mean():.4f} kcal/mol/Å, "
            f"{worse.mean():+.1%} ({worse.min():+.1%} to {worse.max():+.1%})"
        )


def search(text: str, folder: Path) -> tuple[float, float, int]:
    """Core seconds of the search, best error in kcal/mol/Å, trials given up."""
    workload = make_workload(parse_sweep(text, "benchmark", folder.parent))
    run_workload(workload, folder, SerialExecutor, lambda _: None, lambda _: None)
    trials = read_trials(folder)
    assert trials is not None
    best = float(trials["cv_force_mae_ev_ang"].min()) / KCAL_PER_MOL_EV
    return read_manifest(folder)["ledger"]["sweep_core_s"], best, int((trials["state"] == "PRUNED").sum())


if __name__ == "__main__":
    main()
