"""Which frames to label next: at random, balanced, farthest apart, or where a committee disagrees? Packaged methanol.

    python benchmarks/buying_selection.py [--strategies gdml_delta] [--draws 20]

Labels are taken by each rule up to 24 and 40, by `committee` and `farthest` after 16 random ones (8 more after each
look: those on which the forces of the ten folds' models spread most; the farthest in the lengths between atoms). Told
of each: the error on the hidden replica, and what cross-validation makes of it, on all labels and on the random ones
alone, over the hidden error. Ratios are to random labels of the same draw, means with their standard errors.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from buying_looks import Trainer, study_text

from asteroid.labels.farthest_point import farthest_order
from asteroid.labels.label_set import hash_order
from asteroid.units import KCAL_PER_MOL_EV
from study.buying.contenders import contenders_of
from study.buying.load import load_candidates
from study.config.buying import parse_buy_study
from study.engine.executors import SerialExecutor

if TYPE_CHECKING:
    from study.buying.candidates import Candidates
    from study.buying.contenders import Contender

START, SIZES, STEP = 16, (24, 40), 8
RULES = ("random", "balanced", "farthest", "committee")


def rows_in_order(candidates: Candidates, rule: str, seed: int) -> np.ndarray:
    """Rows of the candidates in the order that a rule takes them; those of `committee` are still to be found."""
    frames = candidates.frames
    if rule == "balanced":
        return np.arange(len(frames))
    at_random = hash_order(frames, seed, "selection")
    if rule != "farthest":
        return at_random
    first, others = at_random[:START], at_random[START:]
    further = farthest_order(frames.select(others), SIZES[-1] - START, frames.select(first))
    return np.concatenate([first, others[further]])


def measure(seed: int, strategies: list[str], folder: Path) -> list[dict[str, Any]]:
    """One draw: errors of all rules, sizes and strategies."""
    text = study_text("methanol", seed, None, folder, "balanced")
    study = parse_buy_study(text, "the benchmark's study", folder)
    candidates = load_candidates(study)
    found = []
    for contender in contenders_of(study, candidates.below):
        if contender.strategy not in strategies:
            continue
        for rule in RULES:
            order = rows_in_order(candidates, rule, seed)
            for n in range(START, SIZES[-1] + 1, STEP):
                # The candidates in this order, so that whoever looks at the first n looks at these.
                own = _reordered(candidates, order)
                trainer = Trainer(study, own, folder / "store", "selection", SerialExecutor, lambda _: None, print)
                assert own.replay is not None
                labels = replace(own.replay.select(np.arange(n)), frame_id=np.arange(n))
                if n in SIZES:
                    found.append({"seed": seed, "rule": rule, "n": n} | _errors(trainer, labels, contender))
                if rule == "committee" and n < SIZES[-1]:
                    others = np.arange(n, len(order))
                    spread = trainer.spread_of_frames(labels, contender, others)
                    chosen = others[np.argsort(-spread, kind="stable")[:STEP]]
                    order = np.concatenate([order[:n], order[chosen], np.delete(order, np.r_[:n, chosen])])
    return found


def _errors(trainer: Trainer, labels: Any, contender: Contender) -> dict[str, Any]:
    table = pd.DataFrame(trainer.look(labels, [contender], first=True).rows)
    scored = table[table["n_folds"] > 2].set_index("label")["force_mae_ev_ang"]
    return {
        "strategy": contender.strategy,
        "hidden": trainer.deliver(labels, contender).hidden_error_ev_ang,
        "all": scored.mean(),
        "share": scored[scored.index < START].mean(),
    }


def _reordered(candidates: Candidates, order: np.ndarray) -> Candidates:
    rest = np.setdiff1d(np.arange(len(candidates.frames)), order)
    rows = np.concatenate([order, rest])
    assert candidates.replay is not None
    frames = replace(candidates.frames.select(rows), frame_id=np.arange(len(rows)))
    cheap = None if candidates.cheap_at is None else candidates.cheap_at.select(rows)
    below = (replace(candidates.cheap[0], at=cheap), *candidates.cheap[1:])
    return replace(candidates, frames=frames, replay=candidates.replay.select(rows), cheap=below)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", nargs="+", default=["gdml_delta"])
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: list[dict[str, Any]] = []
    for seed in range(options.draws):
        with tempfile.TemporaryDirectory() as folder:
            found += measure(seed, options.strategies, Path(folder))
    table = pd.DataFrame(found)
    print(
        "| strategy | labels | rule | hidden error, kcal/mol/Å | over random | CV of all over hidden | of random ones |"
    )
    print("|---|---|---|---|---|---|---|")
    for (strategy, n), at in table.groupby(["strategy", "n"]):
        base = np.log(at[at["rule"] == "random"].set_index("seed")["hidden"])
        for rule in RULES:
            own = at[at["rule"] == rule].set_index("seed")
            hidden = np.log(own["hidden"])
            cells = [hidden - base, np.log(own["all"]) - hidden, np.log(own["share"]) - hidden]
            told = [f"{np.exp(c.mean()):.2f} ± {c.std() / np.sqrt(len(c)):.2f} (sd {c.std():.2f})" for c in cells]
            print(f"| {strategy} | {n} | {rule} | {own['hidden'].mean() / KCAL_PER_MOL_EV:.3f} | {' | '.join(told)} |")


if __name__ == "__main__":
    main()
