"""What the fits of somebody's table say: sentences, and one figure of all curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.caveats import caveat_lines
from analysis.curves.any_table import fit_json
from analysis.figures.learning_curves import curve_rows, plot_learning_curve
from analysis.figures.style import new_figure
from analysis.names import duration, in_percent
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.curves.any_table import TableFit


def fit_sentences(fits: Sequence[TableFit], *, target: float | None = None, confidence: float = 0.9) -> list[str]:
    """Say what was found of each curve, in the order given.

    Args:
        fits: from `any_table.fit_table`.
        target: error that was asked for, if any.
        confidence: probability that was asked for.
    """
    lines = []
    for fit in fits:
        found, ahead = fit_json(fit), fit_json(fit)["new_run_at_twice_the_largest"]
        budgets = found["budgets"]
        reach = f"{len(budgets)} numbers of labels, {budgets[0]:,} to {budgets[-1]:,}"
        lines.append(f"{fit.name}: {found['runs']} rows at {reach}")
        alpha = found["slope"]
        if alpha["median"] is not None:
            p = found["lack_of_fit_p"]
            gate = "not tested (one run each)" if p is None else f"p = {p:.2g}, misfit {found['misfit_rms']:.1%}"
            lines.append(
                f"  slope {alpha['median']:.2f} [{alpha['p5']:.2f}, {alpha['p95']:.2f}], lack of fit {gate}, "
                f"probability of a floor {found['probability_of_floor']:.0%}"
            )
        if ahead is not None:
            error = ahead["error"]
            band = f"[{error['p5']:.3g}, {error['p95']:.3g}]"
            lines.append(f"  a new run with {ahead['n']:,} labels: {error['median']:.3g} {band} (90 %)")
        if target is not None:
            lines.append("  " + _answer(fit, target, confidence))
        lines += [f"  {line}" for line in caveat_lines(fit.evidence.status)]
    return lines


def fit_picture(fits: Sequence[TableFit], *, x: str, y: str) -> tuple[Figure, pd.DataFrame]:
    """Draw all curves of a table, with the numbers behind the picture.

    Args:
        fits: from `any_table.fit_table`.
        x: name of the axis of labels,
        y: and of the axis of errors.

    Returns:
        The figure, and rows as those of `figures.learning_curve_data` with errors in the unit of the table.
    """
    curves = [fit.evidence.curve for fit in fits]
    data = curve_rows(curves, [curve.key.label() for curve in curves])
    free = [slug for slug in list(STRATEGIES)[1:] if slug not in data["strategy"].unique()]
    own = [name for name in data["strategy"].unique() if name not in STRATEGIES]
    # Beyond the palette all look alike, and only their names below the figure tell them apart.
    looks = dict(zip(own, free, strict=False))
    shown = data.assign(look=data["strategy"].map(lambda name: looks.get(name, name)))
    figure, ax = new_figure(height_in=4.2 + 0.29 * max(len(fits) - 4, 0))
    plot_learning_curve(shown, ax, axis_names=(x, y))
    return figure, data.rename(columns=lambda name: name.replace("force_mae_ev_ang", y).removesuffix("_ev_ang"))


def _answer(fit: TableFit, target: float, confidence: float) -> str:
    if fit.needed is None:
        if math.isnan(fit.probability):
            return f"{target:g}: no curve to ask"
        most = f"{math.floor(fit.evidence.limit):,}"
        chance = in_percent(fit.probability)
        return f"{target:g} cannot be promised: {chance} with {most} labels, the most that this curve tells"
    price = "" if math.isnan(fit.price_s) else f", {duration(fit.price_s)}"
    needed = f"{fit.needed:,} labels{price} ({in_percent(fit.probability)})"
    return f"{target:g} in a new run with at least {confidence:.0%}: {needed}"
