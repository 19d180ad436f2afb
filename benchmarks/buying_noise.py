"""How much an out-of-fold error of few labels scatters, and why: the law that `analysis.buying.noise_law` holds.

    python benchmarks/buying_noise.py run TABLE.csv [--draws 6]
    python benchmarks/buying_noise.py fit TABLE.csv

`run` trains strategies on draws of packaged methanol labels, without one of ten folds and without one of two, and
on all labels of each draw; it writes the error of every frame by a model that has not seen it, and of the model of all
labels on the hidden replica. `fit` reads the law off such a table: the relative spread of frames, how much of it stays
from one size to the next and from ten folds to two, what folds and splits add, what a draw of labels does to a model
and how much of that cross-validation sees, and what cheap energies and forces explain.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from asteroid.labels.label_set import content_hashes
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import Frames
from asteroid.stages.train import train_pack
from study.config.sweep_text import parse_sweep
from study.counts import LowerLevels
from study.recipes.frames import describe_frames
from study.recipes.settings import default_settings
from study.recipes.workload import make_workload

if TYPE_CHECKING:
    from asteroid.models.trained import TrainedModel

SIZES = (16, 24, 36, 54)
NAMES = ("gdml_delta", "pretrain_finetune", "residual")
N_CHEAP, PACK = 2000, 13
LOWER = LowerLevels(n_cheap=N_CHEAP)
SWEEP = f"""
name: noise
data: {{dataset: methanol}}
test: {{groups: [3]}}
strategies: [{", ".join(NAMES)}]
budgets: [{SIZES[-1]}]
n_cheap: [{N_CHEAP}]
seeds: [SEEDS]
identify: {{steps: 1000, learning_rate: 0.007}}
pretrain: {{steps: 2000, learning_rate: 0.007}}
residual: {{steps: 1000, learning_rate: 0.005}}
finetune:
  standard: {{steps: 800, learning_rate: 0.0007}}
kernel: {{sigmas: [10]}}
"""


def run(path: Path, draws: int) -> None:
    """Train, and write one row per frame and model."""
    torch.set_num_threads(1)
    text = SWEEP.replace("SEEDS", ", ".join(map(str, range(draws))))
    workload = make_workload(parse_sweep(text, "the benchmark's sweep", path.parent))
    builder, data = workload.builder, workload.data
    bank = describe_frames(workload, workload.stages.values())
    accurate = bank.levels[data.pool.level]
    settings = default_settings(workload.sweep, "standard")
    test = Frames(data.test.level, tuple(content_hashes(data.test)))
    all_rows: list[pd.DataFrame] = []
    models: dict[str, TrainedModel] = {}
    for strategy in NAMES:
        for seed in range(draws):
            jobs = []
            for n in SIZES:
                for n_folds in (10, 2):
                    for fold, (split, score) in enumerate(builder.folds(n, seed, n_folds)):
                        jobs.append(
                            (n, n_folds, fold, builder.chain(strategy, settings, split, LOWER, 0, score), score)
                        )
                jobs.append((n, 0, 0, builder.chain(strategy, settings, builder.bought(n, seed), LOWER, 0), test))
            for depth in range(len(jobs[0][3])):
                specs = {job[3][depth].key: job[3][depth] for job in jobs if job[3][depth].key not in models}
                todo = sorted(specs.values(), key=lambda spec: len(spec.train))
                for start in range(0, len(todo), PACK):
                    results = train_pack(bank, todo[start : start + PACK], models)
                    models |= {result.key: result.model for result in results}
            for n, n_folds, fold, chain, score in jobs:
                rows = bank.rows_of(score.level, score.hashes)
                predicted = predict_chain(bank, score.level, rows, [chain[-1]], models)
                error = (predicted.forces[0] - accurate.forces[rows]).abs()
                frame = {
                    "strategy": strategy,
                    "draw": seed,
                    "n_labels": n,
                    "n_folds": n_folds,
                    "fold": fold,
                    "row": rows.numpy(),
                    "force_mae_ev_ang": accurate.component_mean(error, rows).numpy(),
                }
                for cheap in accurate.cheap.values():
                    frame["cheap_energy_ev"] = cheap.energy[rows].numpy()
                    frame["cheap_force_ev_ang"] = accurate.component_mean(cheap.forces[rows].abs(), rows).numpy()
                all_rows.append(pd.DataFrame(frame))
            pd.concat(all_rows).to_csv(path, index=False)
            print(f"{strategy}, draw {seed}", flush=True)


def fit(path: Path) -> None:
    """Print what the law's numbers are in a table of `run`."""
    table = pd.read_csv(path)
    print("| strategy | labels | ten folds over truth | frames alone | two / ten folds | spread | skew | kept |")
    print("|---|---|---|---|---|---|---|---|")
    for strategy, rows in parts(table, "strategy"):
        for n, own in parts(rows, "n_labels"):
            means = own.pivot_table("force_mae_ev_ang", "draw", "n_folds").dropna()
            ten, two = (relative_errors(own[own["n_folds"] == folds]) for folds in (10, 2))
            log_ratio, bias = np.log(means[10] / means[0]), np.log(means[2] / means[10])
            kept = np.corrcoef(ten, two.loc[ten.index])[0, 1]
            skew = stats.skew(ten.to_numpy(), bias=False)
            print(
                f"| {strategy} | {n} | {log_ratio.mean():.2f} ± {log_ratio.std():.2f} | {ten.std() / np.sqrt(n):.2f} | "
                f"{bias.mean():.2f} ± {bias.std():.2f} | {ten.std():.2f} | {skew:.1f} | {kept:.2f} |"
            )
    print("\nspread between models of equally many labels (log), share of a frame's luck kept between sizes:")
    for strategy, own in parts(table, "strategy"):
        truth = np.log(own[own["n_folds"] == 0].groupby(["n_labels", "draw"])["force_mae_ev_ang"].mean())
        luck = truth.groupby("n_labels").std()
        by_size = {n: relative_errors(rows) for n, rows in parts(own[own["n_folds"] == 10], "n_labels")}
        between = []
        for small, large in combinations(by_size, 2):
            shared = by_size[small].index.intersection(by_size[large].index)
            kept = np.corrcoef(by_size[small][shared], by_size[large][shared])[0, 1]
            between.append(f"{small}-{large} {kept:.2f}")
        print(f"{strategy}: {', '.join(f'{value:.2f}' for value in luck)}; {', '.join(between)}")
        controls = own[own["n_folds"] == 0].dropna(axis=1)
        for name in sorted({"cheap_energy_ev", "cheap_force_ev_ang"} & set(controls)):
            together = controls.groupby(["n_labels", "draw"])[["force_mae_ev_ang", name]].corr().iloc[::2, 1]
            print(f"  correlation with {name}: {together.groupby('n_labels').mean().round(2).tolist()}")


def parts(table: pd.DataFrame, column: str) -> list[tuple[Any, pd.DataFrame]]:
    """Each value of a column, in order, and its rows."""
    return list(table.groupby(column))


def relative_errors(rows: pd.DataFrame) -> pd.Series[float]:
    """Errors of frames over the mean of their draw, by draw and frame."""
    errors = rows.set_index(["draw", "row"])["force_mae_ev_ang"]
    return errors / errors.groupby("draw").transform("mean")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "fit"))
    parser.add_argument("table", type=Path)
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args()
    if options.what == "run":
        run(options.table, options.draws)
    else:
        fit(options.table)


if __name__ == "__main__":
    main()
