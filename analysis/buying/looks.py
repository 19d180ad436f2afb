"""The table of out-of-fold errors as looks: one corrected mean error for every strategy, number of labels and folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.buying.controls import mean_error
from analysis.buying.posterior import Looks
from analysis.buying.range_ends import as_new_frames
from analysis.curves.curve_key import CURVE_COLUMNS, CurveKey
from asteroid.errors import InputError
from study.tables.levels import with_levels
from study.tables.out_of_fold import is_balanced

if TYPE_CHECKING:
    import pandas as pd

    from analysis.buying.controls import MeanError

_CONTROLS = ["cheap_energy_ev", "cheap_force_ev_ang"]


def looks_of(table: pd.DataFrame, *, also_left: bool = False) -> dict[CurveKey, Looks]:
    """Looks of each strategy that was scored at the newest look, simplest strategy first.

    A strategy without a model for the labels owned has left the race. One that buys no accurate labels (one fold) is
    not learning from them, and is left out as well.

    Args:
        table: out-of-fold errors of one purchase (`study.tables.out_of_fold`).
        also_left: those that have left the race too, with the looks that they had.

    Raises:
        InputError: there is nothing to go by, or the table holds more than one order of purchase.
    """
    table = table[table["n_folds"] > 1]
    if table.empty:
        raise InputError("a purchase needs out-of-fold errors of accurate labels, found none: cross-validate first")
    seeds = sorted(table["seed"].unique().tolist())
    if len(seeds) > 1:
        raise InputError(f"a purchase has one order of labels, found the seeds {seeds}: keep one")
    newest = int(table["n_labels"].max())
    found = {}
    for _, own in table.groupby(with_levels(CURVE_COLUMNS, table), dropna=False, sort=False):
        if also_left or own["n_labels"].max() == newest:
            found[CurveKey.of_row(own.iloc[0])] = _looks(own)
    return dict(sorted(found.items(), key=lambda item: item[0].order))


def control_shift(table: pd.DataFrame) -> float:
    """What cheap energies and forces change the log of the mean error by at the newest look, the largest change."""
    table = table[table["n_folds"] > 1]
    newest = table[table["n_labels"] == table["n_labels"].max()]
    most_folds = newest[newest["n_folds"] == newest["n_folds"].max()]
    shifts = [
        _mean(own).shift for _, own in most_folds.groupby(with_levels(CURVE_COLUMNS, table), dropna=False, sort=False)
    ]
    return max(shifts, key=abs)


def _looks(own: pd.DataFrame) -> Looks:
    n, x, log_error = [], [], []
    variance = 1.0
    # The newest look in the most folds comes last, and its frames tell the spread.
    for _, division in own.groupby(["n_labels", "n_folds"], sort=True):
        n_labels, n_folds = division[["n_labels", "n_folds"]].iloc[0].to_numpy(dtype=float).tolist()
        mean = _mean(division)
        n.append(n_labels)
        x.append(n_labels * (1 - 1 / n_folds))
        log_error.append(mean.log_mean)
        variance = mean.relative_variance
    return Looks(np.array(n), np.array(x), np.array(log_error), variance)


def _mean(division: pd.DataFrame) -> MeanError:
    """The mean over frames, each averaged over the splits."""
    frames = division.groupby("label")[["force_mae_ev_ang", *_CONTROLS]].mean()
    errors, controls = frames["force_mae_ev_ang"].to_numpy(dtype=float), frames[_CONTROLS].to_numpy(dtype=float)
    if is_balanced(division):
        errors = as_new_frames(errors, controls[:, 0], int(division["n_folds"].iloc[0]))
    pool = division[[f"pool_{name}" for name in _CONTROLS]].iloc[0].to_numpy(dtype=float)
    return mean_error(errors, controls, pool)
