"""A table on a planted surface, and the surface fitted to it."""

import numpy as np

from analysis.surface.transfer import surface_of
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

BUDGETS, CHEAP, TARGET = (25, 50, 100, 200, 400, 800), (500, 2000, 8000), 0.016


LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.01, "card", 0.02)}


PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)


def gain(n, n_cheap):
    return 300 * (n / 100) ** 0.4 * n_cheap / (n_cheap + 1500)


def law(n, n_cheap):
    return 0.004 + 0.03 * ((n + gain(n, n_cheap)) / 100) ** -0.7


def table(worse=1.0, cheap=CHEAP):
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for n_cheap in (0, *cheap):
        for budget in BUDGETS:
            for seed in range(3):
                hurt = worse if (n_cheap, budget) == (cheap[0], 25) else 1.0
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": "pretrain_finetune" if n_cheap else "accurate_only", "n_cheap": n_cheap}
                values |= {"budget": budget, "seed": seed, "status": "ok", "n_test": 300, "recipe_core_s": 2.0}
                values |= {"gamma_rel": np.inf if n_cheap else np.nan, "cost_cheap_cpu_s": 0.03 * n_cheap}
                error = law(budget, n_cheap) * hurt * np.exp(0.04 * rng.normal())
                rows.append(values | {"test_force_mae_ev_ang": error, "cost_accurate_cpu_s": 28.0 * budget})
    return results_frame(rows)


TABLE = table()


FITTED = surface_of(TABLE)
