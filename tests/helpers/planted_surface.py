"""Curves of a planted surface of accurate and cheap labels."""

import numpy as np

from analysis.curves.curve_key import CurveKey
from analysis.curves.curves import Curve
from analysis.surface.cells import SCRATCH

BUDGETS = (25, 50, 100, 200, 400, 800)


CHEAP = (500, 2000, 8000)


#: E, A, alpha, N0, p, q and K, c of each strategy.
FLOOR, SCALE, ALPHA, N_REF, P, Q = 0.01, 0.05, 0.8, 141.0, 0.4, 1.0


OWN = {"pretrain_finetune": (1.5, 3000.0), "asteroid": (2.5, 3000.0)}


def effective(strategy, n, n_cheap):
    if strategy == SCRATCH:
        return n
    k, c = OWN[strategy]
    return n + N_REF * k * (n / N_REF) ** P * n_cheap**Q / (n_cheap**Q + c**Q)


def law(strategy, n, n_cheap):
    return FLOOR + SCALE * (effective(strategy, n, n_cheap) / N_REF) ** -ALPHA


def curves(noise=0.05, seed=0, seeds=3, worse=()):
    """A sweep of the planted surface; `worse` multiplies errors of (strategy, n_cheap, budget)."""
    rng = np.random.default_rng(seed)
    found = []
    for strategy, n_cheap in [(SCRATCH, 0), *((s, c) for s in OWN for c in CHEAP)]:
        budget, runs = np.repeat(BUDGETS, seeds), np.tile(np.arange(seeds), len(BUDGETS))
        error = law(strategy, budget.astype(float), n_cheap) * np.exp(noise * rng.normal(size=len(budget)))
        error *= [dict(worse).get((strategy, n_cheap, n), 1.0) for n in budget]
        gone = np.full(len(budget), np.nan)
        found.append(Curve(CurveKey(strategy, n_cheap=n_cheap), budget, runs, error, gone, gone, gone))
    return tuple(found)
