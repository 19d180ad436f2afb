"""How well does a small test set know its own error? Draws of methanol's frames against all that no model trained on.

    python benchmarks/test_set_error.py

Networks on 25 and 80 CCSD(T) labels, alone and on the difference to GFN2-xTB, err on some 1,300 other frames. Of these,
400 random draws of 8 to 120 frames: the scatter of their mean error, and how often it lies within 1.645 of its standard
error of the mean of all (nominal .90); plain, and adjusted by the frames' xTB energies and mean forces. The standard
error as it was before, the bare block bootstrap, stands beside.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, Prediction, build_bank
from asteroid.descriptors.resolution import choose_descriptors
from asteroid.labels.draw_controls import draw_controls
from asteroid.labels.label_set import content_hashes
from asteroid.labels.matching import match_geometries
from asteroid.labels.splits import buy_accurate
from asteroid.models.mlp import MLPSettings
from asteroid.models.predict import predict
from asteroid.stages import evaluation
from asteroid.stages.evaluation import block_bootstrap_se, controlled_mean
from asteroid.training.fit_loop import fit_pack
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

SIZES, DRAWS, WIDE = (8, 13, 30, 120), 400, 1.645


def errors_of_frames() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By model: errors [n] of the frames that it did not train on, and their controls [n, 2]."""
    methanol = load_methanol()
    accurate, cheap = methanol.accurate, methanol.cheap
    controls = draw_controls(accurate, cheap)
    assert controls is not None
    own, other = match_geometries(accurate, cheap)
    paired = cheap.select(other[np.argsort(own)])
    bank = build_bank(
        choose_descriptors(accurate.numbers, accurate.positions), [BankEntry(accurate, content_hashes(accurate))]
    )
    frames, network = bank.levels[accurate.level], MLPSettings().network(bank.layout)
    base = Prediction(torch.tensor(paired.energy), torch.tensor(paired.forces).flatten(1).float())
    found = {}
    for what, subtracted in (("alone", None), ("difference to xTB", base)):
        for budget in (25, 80):
            bought = buy_accurate(accurate, budget, 1)
            rows = torch.tensor(bought.train)
            labels = frames.forces if subtracted is None else frames.forces - subtracted.forces
            member = Member(
                parameters=network.initial_parameters(0),
                scaling=network.measure_scaling(frames, rows, labels[rows]),
                train_rows=rows,
                val_rows=torch.tensor(bought.val),
                train_weights=None,
                val_weights=None,
                schedule=Schedule(steps=1500, learning_rate=0.007),
                batch_seed=0,
                base=subtracted,
            )
            (fit,) = fit_pack(network, frames, [member])
            _, forces = predict(network, frames, torch.arange(len(accurate)), member.scaling, fit.parameters[None])
            errors = (forces[0] - labels).abs().mean(1).double().numpy()
            kept = np.setdiff1d(np.arange(len(accurate)), np.r_[bought.train, bought.val])
            found[f"{budget} labels, {what}"] = errors[kept], controls[kept] - controls[kept].mean(axis=0)
    return found


def bare_factor(n: int) -> float:
    """What small-sample corrections multiply the block bootstrap with."""
    return evaluation._small_sample_factor(n, max(1, round(n ** (1 / 3))))  # noqa: SLF001


def main() -> None:
    torch.set_num_threads(1)
    print("| model | frames | scatter, plain | adjusted | holds, bare bootstrap | plain | adjusted |")
    print("|---|---|---|---|---|---|---|")
    for what, (errors, controls) in errors_of_frames().items():
        rng, truth = np.random.default_rng(0), errors.mean()
        for n in SIZES:
            off, held = [], []
            for _ in range(DRAWS):
                rows = rng.choice(len(errors), n, replace=False)
                plain, se = errors[rows].mean(), block_bootstrap_se(errors[rows])
                found = controlled_mean(errors[rows], controls[rows])
                assert found is not None
                logs = math.log(plain / truth), math.log(found.mean / truth)
                off.append(logs)
                bars = se / bare_factor(n) / plain, se / plain, found.se / found.mean
                held.append([abs(log) < WIDE * bar for log, bar in zip((logs[0], *logs), bars, strict=True)])
            scatter, share = np.std(off, axis=0), np.mean(held, axis=0)
            cells = [f"{value:.3f}" for value in scatter] + [f"{value:.2f}" for value in share]
            print(f"| {what} | {n} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
