"""Results tables of planted laws with prices, which plans are made of."""

import numpy as np

from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

BUDGETS = (20, 40, 80, 160, 320, 500)
ACCURATE, LABEL, SAMPLING = 28.0, 0.01, 0.02
LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(ACCURATE, "card"), "gfn2-xtb": LevelPrice(LABEL, "card", SAMPLING)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
SCRATCH, PLAIN, DELTA = ("accurate_only", 0), ("pretrain_finetune", 4000), ("gdml_delta", 0)
LAWS = {
    SCRATCH: lambda n: 0.1 * (n / 20) ** -0.6,
    PLAIN: lambda n: 0.03 * (n / 20) ** -0.25,
    DELTA: lambda n: 0.02 * (n / 20) ** -0.25,
}
USE = {"accurate_only": 1e-4, "pretrain_finetune": 1e-4, "gdml_delta": 5e-3}


def table(laws=LAWS, noise=0.05, use=USE, se=0.0):
    """Three runs of each law {(strategy, n_cheap): error(n) in eV/Å} at each budget, with log-normal noise."""
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for (strategy, n_cheap), law in laws.items():
        for budget in BUDGETS:
            for seed in range(3):
                error = law(budget) * np.exp(noise * rng.normal())
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "n_cheap": n_cheap, "budget": budget, "seed": seed, "status": "ok"}
                values |= {"gamma_rel": np.inf if n_cheap else np.nan, "n_test": 300, "recipe_core_s": 3.0}
                values |= {"test_force_mae_ev_ang": error, "test_force_mae_se_ev_ang": se * error}
                cheap = n_cheap * (LABEL + SAMPLING) + (budget * LABEL if strategy == "gdml_delta" else 0.0)
                values |= {"cost_accurate_cpu_s": budget * ACCURATE, "cost_cheap_cpu_s": cheap}
                rows.append(values | {"use_cpu_s_per_frame": use.get(strategy, np.nan)})
    return results_frame(rows)


def surface_law(n, n_cheap):
    gain = 300 * (n / 100) ** 0.4 * n_cheap / (n_cheap + 1500) if n_cheap else 0.0
    return 0.004 + 0.03 * ((n + gain) / 100) ** -0.7


SURFACE_TABLE = table(
    {SCRATCH: lambda n: surface_law(n, 0)}
    | {("pretrain_finetune", c): (lambda n, c=c: surface_law(n, c)) for c in (100, 1000, 20000)}
)
