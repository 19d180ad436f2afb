"""A target error to start from where the user named none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis.curves.curve_key import labels_of
from analysis.curves.curves import curves_of, representative_curves
from asteroid.measured_errors import error_unit

if TYPE_CHECKING:
    import pandas as pd


def default_target(table: pd.DataFrame, *, force_unit: str = "kcal/mol/Å") -> tuple[float, str]:
    """Take the median error of the best strategy at the middle budget, rounded up to two digits on display.

    Args:
        table: results table.
        force_unit: in which it is rounded.

    Returns:
        Force MAE in eV/Å, and the words that say where it comes from.

    Raises:
        InputError: the table has no usable curve, or the unit is not known.
    """
    scale = error_unit(force_unit)
    curves = representative_curves(curves_of(table))
    names = dict(zip(curves, labels_of([c.key for c in curves]), strict=True))
    budgets = sorted({int(n) for curve in curves for n in curve.budget if n > 0}) or [0]
    middle = budgets[(len(budgets) - 1) // 2]
    medians = {
        curve: float(np.median(curve.error_ev_ang[curve.budget == middle]))
        for curve in curves
        if middle in curve.budget
    }
    best = min(medians, key=lambda curve: medians[curve])
    shown = medians[best] / scale
    digit = 10.0 ** (math.floor(math.log10(shown)) - 1)
    # The quotient may miss a whole number by rounding; the target must not fall below the median.
    target = round(math.ceil(shown / digit - 1e-9) * digit, 12)
    at = f"with {middle:,} accurate labels" if middle else "without accurate labels"
    return target * scale, f"the median error of {names[best]} {at}, rounded up"
