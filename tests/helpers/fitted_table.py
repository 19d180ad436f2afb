"""A table of runs of three strategies on power laws, as a stranger might bring it."""

import numpy as np
import pandas as pd

BUDGETS = (25, 50, 100, 200, 400, 800)


def runs(seeds=3):
    """Errors in meV/Å of two models, rows in no order."""
    rng = np.random.default_rng(0)
    rows = [
        {"model": model, "n": n, "rmse": scale * (n / 25) ** -slope * np.exp(0.05 * rng.normal()), "run": f"s{seed}"}
        for model, scale, slope in (("mace", 80.0, 0.6), ("nequip", 120.0, 0.5))
        for n in BUDGETS
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0, ignore_index=True)


TABLE = runs()


COLUMNS = {"x": "n", "y": "rmse", "group": ["model"], "seed": "run"}
