"""Tables of out-of-fold errors of planted curves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.curves.curve_key import CurveKey
from study.tables.out_of_fold import out_of_fold_frame


def planted_table(
    curves: Mapping[str | CurveKey, tuple[float, float]], sizes: tuple[int, ...], *, spread: float = 0.3, seed: int = 0
) -> pd.DataFrame:
    """Looks in ten and in two folds at strategies whose error is level (n / 20)^-slope, eV/Å.

    Args:
        curves: (level, slope) by strategy, or by key.
        sizes: labels at each look.
        spread: relative spread of the errors of frames, which are lognormal and keep their luck.
        seed: of the frames.
    """
    luck = np.random.default_rng(seed).standard_normal(max(sizes))
    return out_of_fold_frame(
        [
            {
                **(CurveKey(key) if isinstance(key, str) else key).columns(),
                "seed": 0,
                "n_labels": n,
                "n_folds": n_folds,
                "split": 0,
                "label": label,
                "force_mae_ev_ang": level
                * (n * (1 - 1 / n_folds) / 20) ** -slope
                * np.exp(spread * luck[label] - spread**2 / 2),
                "energy_error_ev": np.nan,
                "cheap_energy_ev": luck[label],
                "cheap_force_ev_ang": np.nan,
                "pool_cheap_energy_ev": 0.0,
                "pool_cheap_force_ev_ang": np.nan,
            }
            for key, (level, slope) in curves.items()
            for n in sizes
            for n_folds in (10, 2)
            for label in range(n)
        ]
    )
