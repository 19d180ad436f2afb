"""The figure of learning curves: force error against labels bought, one curve for each strategy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator

from analysis.caveats import Caveat
from analysis.curves.curve_key import CURVE_COLUMNS, labels_of
from analysis.curves.curves import curves_of, representative_curves
from analysis.curves.evidence import Evidence, evidence_of, sampled_run_draws
from analysis.curves.power_law import Kind, predict, slope
from analysis.figures.drawing import (
    dot_shifts_pt,
    draw_curve,
    error_name,
    in_unit,
    labels_name,
    legend_name,
    log_axes,
    name_curves,
    slope_guide,
    ticks_apart,
)
from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import COLUMN_IN, ENTRY_IN, PAGE_IN, figure_style, new_figure, with_looks
from asteroid.measured_errors import heading_in, named_in
from study.tables.levels import settled, with_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from analysis.curves.curves import Curve
    from analysis.figures.picture import FigureInput

#: Curves are drawn up to this multiple of the largest budget.
STRETCH = 2.0
#: Quantiles of the lines, in the order of the columns: median, 90 % band, 50 % band.
_QUANTILES = (0.5, 0.05, 0.95, 0.25, 0.75)
_BANDS = ["lo_ev_ang", "hi_ev_ang", "lo50_ev_ang", "hi50_ev_ang"]
_POINT_COLUMNS = ["part", "budget", "seed", "force_mae_ev_ang", *_BANDS, "extrapolated"]
_FIT_COLUMNS = ["alpha", "alpha_lo", "alpha_hi", "lack_of_fit_p", "misfit_rms", "measured_by", "band", "status"]


def learning_curve_data(
    table: pd.DataFrame, *, every_curve: bool = False, kind: Kind = "new_run", seed: int = 0
) -> pd.DataFrame:
    """Numbers of the learning-curve figure, in long form.

    Args:
        table: results table.
        every_curve: all curves; otherwise one for each strategy (`curves.representative_curves`).
        kind: what the band is about; by default 90 % of new runs lie in it, as for the planner.
        seed: of the posterior draws.

    Returns:
        Rows of two parts: `run`, a dot with its `seed`, and `line`, a point of the median curve with its 90 % band
        `lo_ev_ang`, `hi_ev_ang` and its 50 % band `lo50_ev_ang`, `hi50_ev_ang`, `extrapolated` beyond the largest
        budget. Each row repeats its curve's label, key and fit: alpha (median, 5 % and 95 %; NaN without a power law),
        lack_of_fit_p, misfit_rms (relative distance of the budgets' means to the best power law), measured_by (`test`
        or `cross_validation`), band (kind) and status (flags, separated by spaces).
        The line of a curve without a power law joins the means of its budgets; that of a horizontal one spans the
        figure.

    Raises:
        InputError: the table has no usable curve.
    """
    curves = curves_of(table)
    shown = curves if every_curve else representative_curves(curves)
    return curve_rows(shown, labels_of([c.key for c in shown]), kind=kind, seed=seed)


def curve_rows(shown: Sequence[Curve], labels: Sequence[str], *, kind: Kind = "new_run", seed: int = 0) -> pd.DataFrame:
    """Rows of `learning_curve_data` for curves of any origin.

    Args:
        shown: the curves.
        labels: their names.
        kind: what the band is about.
        seed: of the posterior draws.
    """
    known = [evidence_of(curve, seed=seed) for curve in shown]
    bought = [int(n) for curve in shown for n in curve.budget if n > 0] or [1]
    reaches = [min(STRETCH * evidence.curve.budget.max(), evidence.limit) for evidence in known]
    ends = np.array([min(bought), max([*reaches, *bought])], dtype=float)
    parts = []
    for curve, evidence, label in zip(shown, known, labels, strict=True):
        alpha, alpha_lo, alpha_hi = slope(evidence.fit) if evidence.fit else (np.nan, np.nan, np.nan)
        runs = {"budget": curve.budget.astype(float), "seed": curve.seed, "force_mae_ev_ang": curve.error_ev_ang}
        rows = pd.concat([pd.DataFrame({"part": "run", **runs}), _line(evidence, ends, kind, seed)], ignore_index=True)
        parts.append(
            rows.assign(
                curve=label,
                **curve.key.columns(),
                alpha=alpha,
                alpha_lo=alpha_lo,
                alpha_hi=alpha_hi,
                lack_of_fit_p=np.nan if evidence.lack_of_fit_p is None else evidence.lack_of_fit_p,
                misfit_rms=np.nan if evidence.misfit_rms is None else evidence.misfit_rms,
                measured_by="cross_validation" if Caveat.NO_TEST_SET in curve.status else "test",
                band=kind,
                status=" ".join(evidence.status),
                extrapolated=(rows["part"] == "line") & (rows["budget"] > curve.budget.max()) & (not curve.horizontal),
            )
        )
    data = pd.concat(parts, ignore_index=True).astype({"seed": "Int64"})
    # Curves without a cheap level among those of several: empty, not missing.
    data = settled(data)
    columns = ["curve", *with_levels(CURVE_COLUMNS, data), *_POINT_COLUMNS, *_FIT_COLUMNS]
    return with_looks(data[columns])


def plot_learning_curve(
    data: pd.DataFrame,
    ax: Axes,
    *,
    level: str = "CCSD(T)",
    force_unit: str = "kcal/mol/Å",
    legend: bool = True,
    axis_names: tuple[str, str] | None = None,
) -> Axes:
    """Draw learning curves: dots for seeds, median curves, 90 % bands, dashed beyond the data, a slope of -1.

    Args:
        data: from `learning_curve_data`.
        ax: where to draw.
        level: name of the accurate level on the axis.
        force_unit: of the errors.
        legend: whether to name the curves, with slopes and lack-of-fit tests, below the axes.
        axis_names: of both axes, where the data are somebody's own in a unit of their own; replaces level and unit.

    Raises:
        InputError: the unit is not known.
    """
    with figure_style():
        shown = in_unit(data, force_unit) if axis_names is None else data
        shifts = dot_shifts_pt(shown)
        handles = [
            draw_curve(rows, ax, "budget", shift_pt=shifts.get(str(name), 0.0))
            for name, rows in shown.groupby("curve", sort=False)
        ]
        budgets = {*shown.loc[(shown["part"] == "run") & (shown["budget"] > 0), "budget"], shown["budget"].max()}
        log_axes(ax, shown, "budget")
        ax.xaxis.set_major_locator(FixedLocator(ticks_apart(sorted(budgets))))
        names = axis_names or (labels_name(level), error_name(data, force_unit))
        ax.set(xlabel=names[0], ylabel=names[1])
        slope_guide(ax, shown)
        if legend:
            name_curves(ax, handles, data)
    return ax


def _line(evidence: Evidence, ends: NDArray[np.float64], kind: Kind, seed: int) -> pd.DataFrame:
    """Points of the median curve and its band."""
    curve, fit = evidence.curve, evidence.fit
    if fit is not None:
        largest = fit.largest_budget
        inside = np.geomspace(fit.smallest_budget, largest, 41)
        beyond = np.geomspace(largest, min(STRETCH * largest, evidence.limit), 15)[1:]
        budget = np.concatenate([inside, beyond]) if evidence.limit > largest else inside
        quantiles = predict(fit, budget, kind=kind, quantiles=_QUANTILES, test_relative_se=curve.test_relative_se)
    else:
        # The band is about runs on this test set, as that of the fits is, unless another was asked for.
        same = curve if kind == "new_test_set" else replace(curve, test_relative_se=0.0)
        budget, draws = sampled_run_draws(same, seed=seed)
        quantiles = np.exp(np.quantile(draws, _QUANTILES, axis=0))
        if curve.horizontal:
            budget, quantiles = ends, quantiles.repeat(2, axis=1)
    points = dict(zip(["force_mae_ev_ang", *_BANDS], quantiles, strict=True))
    return pd.DataFrame({"part": "line", "budget": budget, **points})


def _picture(given: FigureInput) -> Picture | None:
    if given.run is None:
        return None
    data = learning_curve_data(given.run.table)
    names = [legend_name(str(curve)) for curve in data["curve"].unique()]
    lines = len(names) + 0.5 * sum(name.count("\n") for name in names)
    more = ENTRY_IN * max(lines - 4, 0) / (1 + given.wide)
    figure, ax = new_figure(width_in=PAGE_IN if given.wide else COLUMN_IN, height_in=4.2 + more)
    plot_learning_curve(data, ax, level=given.level, force_unit=given.force_unit)
    runs = data[data["part"] == "run"]
    said = []
    for curve, rows in runs.groupby("curve", sort=False):
        medians = rows.groupby("budget")["force_mae_ev_ang"].median() / given.scale
        ends = f"{medians.iloc[0]:.2g} with {medians.index[0]:,.0f} labels"
        if len(medians) > 1:
            ends = f"from {ends} to {medians.iloc[-1]:.2g} with {medians.index[-1]:,.0f}"
        said.append(f"{curve}: {ends}")
    return Picture(
        figure,
        data,
        "Learning curves",
        f"{heading_in(given.force_unit, 'error')} against accurate labels bought: a dot is one seed with its own label "
        "subset, bands hold 50 and 90 % of new runs, dashed means beyond the data.",
        f"Median {named_in(given.force_unit, 'errors')} in {given.force_unit}. {'; '.join(said)}.",
    )


FIGURE = RunFigure("learning_curve", _picture, caveats="above")
