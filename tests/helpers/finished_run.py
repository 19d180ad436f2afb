"""A finished run as `analysis` sees it: a results table that a law made up, a manifest, prices."""

import numpy as np

from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "measured"), "gfn2-xtb": LevelPrice(0.002, "measured", 0.018)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
SWEEP = {"name": "methanol", "budgets": [20, 50], "test": {"groups": [3], "share": None}}
SWEEP |= {"finetune": {"standard": {"steps": 1500, "rho": 0.99}}, "data": {"prices": {}}}
MANIFEST = {
    "status": "complete",
    "name": "methanol",
    "molecule": "CH4O",
    "level_accurate": "ccsd_t/cc-pvdz",
    "level_cheap": "gfn2-xtb",
    "pool_size": 1025,
    "n_test": 300,
    "rows": 39,
    "sweep": SWEEP,
    "prices": PRICES.to_json(),
    "ledger": {
        "accurate_labels_assumed_bought": 900,
        "cheap_frames_assumed_bought": 9000,
        "evaluation_labels": 300,
        "sweep_core_s": 184.0,
    },
    "data_card_lines": ["methanol", "  price: 28 CPU s a label"],
    "versions": {"asteroid-study": "0.1.0", "torch": "2.13.0"},
    "hardware": {"cores": 2, "memory_gib": 23.5},
}
LAWS = {
    ("cheap_only", np.inf, 4000): lambda n: 7.0,  # noqa: ARG005
    ("accurate_only", np.nan, 0): lambda n: 2.2 * (n / 20) ** -0.6,
    ("pretrain_finetune", np.inf, 4000): lambda n: 0.5 * (n / 20) ** -0.5,
}


def table():
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for (strategy, gamma_rel, n_cheap), law in LAWS.items():
        for budget in (0,) if strategy == "cheap_only" else (20, 50, 100, 200, 350, 500):
            for seed in range(3):
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "gamma_rel": gamma_rel, "n_cheap": n_cheap, "budget": budget}
                error = law(budget) * KCAL_PER_MOL_EV * np.exp(0.05 * rng.normal())
                values |= {"seed": seed, "test_force_mae_ev_ang": error, "status": "ok", "n_test": 300}
                rows.append(values | {"recipe_core_s": 2.0})
    return results_frame(rows)
