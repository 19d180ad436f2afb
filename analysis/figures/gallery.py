"""Every figure of a run, drawn, with the words that go with it: for files (`plot`) and for the page (`report`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from analysis.curves.curves import curves_of, representative_curves
from analysis.figures.bars import bars_data, bars_size_in, plot_bars, shared_budgets
from analysis.figures.cost import cost_data, plot_cost
from analysis.figures.gamma import gamma_data, plot_gamma
from analysis.figures.importance import importance_data, importance_size_in, plot_importance
from analysis.figures.learning_curves import learning_curve_data, plot_learning_curve, plot_small_multiples
from analysis.figures.picture import Picture
from analysis.figures.style import COLUMN_IN, PAGE_IN, figure_style, new_figure
from analysis.figures.trials import pareto_data, plot_pareto
from analysis.names import display_level
from analysis.plan.run_caveats import selection_caveats
from asteroid.units import force_unit_in_ev_ang

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import pandas as pd

    from analysis.plan.target_plan import Plan
    from analysis.surface.transfer import SurfaceFit
    from study.prices import PriceList
from typing import TYPE_CHECKING

from analysis.figures.budget_map import map_data, map_strategies, plot_map
from analysis.figures.effective_labels import effective_data, effective_size_in, plot_effective
from study.strategies import strategy_of

if TYPE_CHECKING:
    from analysis.plan.target_plan import Plan
    from analysis.surface.transfer import SurfaceFit
    from study.prices import PriceList


#: Height of one curve in a legend.
_ENTRY_IN = 0.29


#: Figures of errors against labels or their price.
_CURVES = ("learning_curve", "every_curve", "cost")


def result_pictures(
    table: pd.DataFrame,
    manifest: Mapping[str, Any],
    prices: PriceList,
    *,
    force_unit: str = "kcal/mol/Å",
    budget: int | None = None,
    fitted: SurfaceFit | None = None,
    plan: Plan | None = None,
    wide: bool = False,
) -> list[Picture]:
    """Draw the figures of a results table; figures without data (no gamma to compare) are left out.

    Args:
        table: results table.
        manifest: the run's manifest.
        prices: of the accurate and the cheap level.
        force_unit: of the error axes.
        budget: of the bars; by default the largest that all strategies share.
        fitted: the surface of both kinds of labels, for the figures of effective labels and of the budget.
        plan: with a target, for the map of the budget and for the line of the target.
        wide: curves and costs for two columns of a journal page instead of one.

    Raises:
        InputError: the table has no usable curve, or not every strategy has the budget.
    """
    level = display_level(manifest["level_accurate"])
    pictures = [
        _learning_curves(table, level, force_unit, wide=wide),
        _every_curve(table, level, force_unit),
        _cost(table, prices, force_unit, plan.target_ev_ang if plan else None, wide=wide),
        *surface_pictures(fitted, plan, prices, level, force_unit),
    ]
    shown = representative_curves(curves_of(table))
    # A run that is not finished, or whose strategies were tuned at different budgets, may have nothing to set side by
    # side; that is a mistake only where bars were asked for.
    if budget is not None or shared_budgets(shown) or all(curve.horizontal for curve in shown):
        bars = {manifest["name"]: table}, {manifest["name"]: dict(manifest) | {"prices": prices.to_json()}}
        pictures.append(bars_picture(*bars, stem="bars", force_unit=force_unit, budget=budget))
    data = gamma_data(table)
    if len(data):
        panels = data["budget"].nunique()
        figure = Figure(figsize=(max(3.4, 0.5 + 2.1 * panels), 2.9), layout="constrained")
        plot_gamma(data, figure)
        pictures.append(
            Picture(
                "gamma",
                figure,
                data,
                "Do the bias weights help?",
                "Force error with bias weights over that without, paired by seed: below 1 the weights help.",
                _gamma_alt(data),
            )
        )
    caveats = [caveat.sentence.partition(":")[0] for caveat in selection_caveats(manifest)]
    return [_with_caveats(picture, caveats) for picture in pictures] if caveats else pictures


def search_pictures(
    trials: pd.DataFrame | None,
    importances: pd.DataFrame | None,
    prices: PriceList,
    *,
    force_unit: str = "kcal/mol/Å",
) -> list[Picture]:
    """Draw the figures of the Optuna studies; those without data are left out.

    Args:
        trials: as `study.tables.trials.read_trials` returns them.
        importances: as `study.tables.trials.read_importances` returns them.
        prices: of the accurate and the cheap level.
        force_unit: of the error axes.
    """
    pictures = []
    data = pareto_data(trials, prices) if trials is not None else None
    if data is not None and len(data):
        figure, ax = new_figure(height_in=3.4)
        plot_pareto(data, ax, force_unit=force_unit)
        best = int(data["non_dominated_overall"].sum())
        pictures.append(
            Picture(
                "pareto",
                figure,
                data,
                "Searches over the label budget",
                "Each dot is a trial; steps join the trials that no other of their strategy beats in both error and "
                "price, with one standard error.",
                f"Cross-validated force error against label price of {len(data)} trials; {best} of them are beaten by "
                "none in both.",
            )
        )
    data = importance_data(importances) if importances is not None else None
    if data is not None and len(data):
        figure = Figure(figsize=importance_size_in(data), layout="constrained")
        plot_importance(data, figure)
        first = data.sort_values("importance", ascending=False).drop_duplicates("study").sort_index()
        leaders = "; ".join(f"{row['study']}: {row['label']} {row['importance']:.0%}" for _, row in first.iterrows())
        pictures.append(
            Picture(
                "importance",
                figure,
                data,
                "What the settings matter",
                "Share of the variance of the cross-validated error that each setting explains; the hatched bar is "
                "noise, which no setting explains.",
                f"Largest share of the variance of the cross-validated error in each study: {leaders}.",
            )
        )
    return pictures


def bars_picture(
    tables: Mapping[str, pd.DataFrame],
    manifests: Mapping[str, Mapping[str, Any]],
    *,
    stem: str,
    force_unit: str = "kcal/mol/Å",
    budget: int | None = None,
) -> Picture:
    """Draw the bars of one or several runs.

    Raises:
        InputError: a table has no usable curve, or not every strategy of a run has the budget.
    """
    data = bars_data(tables, manifests, budget=budget)
    figure = Figure(figsize=bars_size_in(data), layout="constrained")
    plot_bars(data, figure, force_unit=force_unit)
    scale = force_unit_in_ev_ang(force_unit)
    bars = data[data["part"] == "bar"]
    said = "; ".join(
        f"{run}: " + ", ".join(f"{row['strategy']} {row['force_mae_ev_ang'] / scale:.2g}" for _, row in rows.iterrows())
        for run, rows in bars.groupby("run", sort=False)
    )
    budgets = " or ".join(f"{n:,}" for n in sorted(set(bars.loc[bars["budget"] > 0, "budget"])))
    return Picture(
        stem,
        figure,
        data,
        f"Strategies at {budgets} accurate labels" if budgets else "Strategies",
        "Bars are medians over seeds, dots single seeds; error, purchase and price stand on each bar.",
        f"Median force errors in {force_unit}. {said}.",
    )


def _with_caveats(picture: Picture, caveats: Sequence[str]) -> Picture:
    """Say in the caption and above the curves what a reader must know of the labels: figures travel without a page."""
    if picture.stem in _CURVES:
        with figure_style():
            picture.figure.suptitle("\n".join(caveats), fontsize="x-small")
    return replace(picture, caption=" ".join([picture.caption, *(f"{caveat.capitalize()}." for caveat in caveats)]))


def _learning_curves(table: pd.DataFrame, level: str, force_unit: str, *, wide: bool) -> Picture:
    data = learning_curve_data(table)
    more = _ENTRY_IN * max(data["curve"].nunique() - 4, 0) / (1 + wide)
    figure, ax = new_figure(width_in=PAGE_IN if wide else COLUMN_IN, height_in=4.2 + more)
    plot_learning_curve(data, ax, level=level, force_unit=force_unit)
    scale = force_unit_in_ev_ang(force_unit)
    runs = data[data["part"] == "run"]
    said = []
    for curve, rows in runs.groupby("curve", sort=False):
        medians = rows.groupby("budget")["force_mae_ev_ang"].median() / scale
        ends = f"{medians.iloc[0]:.2g} with {medians.index[0]:,.0f} labels"
        if len(medians) > 1:
            ends = f"from {ends} to {medians.iloc[-1]:.2g} with {medians.index[-1]:,.0f}"
        said.append(f"{curve}: {ends}")
    return Picture(
        "learning_curve",
        figure,
        data,
        "Learning curves",
        "Force error against accurate labels bought: a dot is one seed with its own label subset, bands hold 50 and "
        "90 % of new runs, dashed means beyond the data.",
        f"Median force errors in {force_unit}. {'; '.join(said)}.",
    )


def _every_curve(table: pd.DataFrame, level: str, force_unit: str) -> Picture:
    data = learning_curve_data(table, every_curve=True)
    panels = data["curve"].nunique()
    with figure_style():
        figure = Figure(figsize=(6.8, 0.3 + 2.2 * -(-panels // 3)), layout="constrained")
        plot_small_multiples(data, figure, level=level, force_unit=force_unit)
    return Picture(
        "every_curve",
        figure,
        data,
        "Every curve by itself",
        "One panel for each strategy, weight temperature and number of cheap frames; the others in grey.",
        f"{panels} panels with one learning curve each; their slopes and tests are in the table of fits.",
    )


def _cost(
    table: pd.DataFrame, prices: PriceList, force_unit: str, target_ev_ang: float | None, *, wide: bool
) -> Picture:
    data = cost_data(table, prices)
    timed = bool((data["train_core_s"] > 0).any())
    more = max(data["curve"].nunique() - 4, 0)
    with figure_style():
        # The legend has two columns where the figure is wide.
        width = PAGE_IN if wide else (6.2 if more else 5.2) if timed else COLUMN_IN
        figure = Figure(figsize=(width, 4.2 + _ENTRY_IN * more / (1 + timed)), layout="constrained")
        ratios = (2.4, 1)[: 1 + timed]
        axes = list(figure.subplots(1, len(ratios), sharey=True, width_ratios=ratios, squeeze=False)[0])
        plot_cost(
            data, axes[0], compute_ax=axes[1] if timed else None, force_unit=force_unit, target_ev_ang=target_ev_ang
        )
    caption = "Force error against the price of the labels, with the lowest median error that each price buys as steps"
    steps = data[data["part"] == "pareto"]
    scale = force_unit_in_ev_ang(force_unit)
    said = (
        f"{row['force_mae_ev_ang'] / scale:.2g} for {row['price_cpu_s'] / 3600:.2g} CPU h ({row['curve']})"
        for _, row in steps.iterrows()
    )
    return Picture(
        "cost",
        figure,
        data,
        "Error against cost",
        caption + ("; on the right the same errors against the training time of one run." if timed else "."),
        f"Lowest median force errors in {force_unit}, from cheap to dear: {'; '.join(said)}.",
    )


def _gamma_alt(data: pd.DataFrame) -> str:
    means = data[(data["part"] == "mean") & (data["gamma_rel"] < float("inf"))]
    said = (
        f"{row['ratio']:.2f} at γ/median {row['gamma_rel']:g} with {row['budget']:,} labels"
        for _, row in means.iterrows()
    )
    return f"Mean ratios of errors with and without weights: {'; '.join(said)}."


def surface_pictures(
    fitted: SurfaceFit | None, plan: Plan | None, prices: PriceList, level: str, force_unit: str
) -> list[Picture]:
    """Draw what the surface shows; nothing where it does not hold.

    Args:
        fitted: from `transfer.surface_of`.
        plan: for the map: its target and its choice.
        prices: of the accurate and the cheap level.
        level: name of the accurate level.
        force_unit: of the errors.
    """
    if fitted is None or not fitted.usable:
        return []
    pictures = [_effective(fitted)]
    strategies = map_strategies(fitted)
    if plan is not None and strategies:
        named = [option.key.strategy for option in ([plan.choice] if plan.choice else []) + list(plan.alternatives)]
        shown = next((strategy for strategy in named if strategy in strategies), strategies[0])
        pictures.append(_map(fitted, shown, plan, prices, level, force_unit))
    return pictures


def _effective(fitted: SurfaceFit) -> Picture:
    data = effective_data(fitted)
    figure = Figure(figsize=effective_size_in(data), layout="constrained")
    plot_effective(data, figure)
    cells = data[data["part"] != "line"]
    said = "; ".join(
        f"{strategy_of(str(row['strategy'])).name} with {row['n_cheap']:,} cheap frames: {row['labels']:,.0f} at "
        f"{row['budget']:,.0f}"
        for _, row in cells.drop_duplicates(["strategy", "n_cheap"]).iterrows()
    )
    return Picture(
        "effective_labels",
        figure,
        data,
        "What cheap frames are worth",
        "Accurate labels that would give the same error without cheap frames, against those bought: dots from measured "
        "errors, lines from the surface, both with 90 % intervals, red where cheap frames hurt.",
        f"Effective accurate labels. {said}.",
    )


def _map(fitted: SurfaceFit, strategy: str, plan: Plan, prices: PriceList, level: str, force_unit: str) -> Picture:
    data = map_data(fitted, strategy, prices, plan.target_ev_ang, plan.choice)
    figure, ax = new_figure(width_in=COLUMN_IN + 0.3, height_in=4.1)
    plot_map(data, ax, target_ev_ang=plan.target_ev_ang, level=level, force_unit=force_unit)
    scale = force_unit_in_ev_ang(force_unit)
    nodes = data[data["part"] == "node"]
    met = nodes[(nodes["probability"] >= plan.confidence) & ~nodes["extrapolated"]].sort_values("price_cpu_s")
    said = f"Within the runs the target is nowhere met with {plan.confidence:.0%}"
    for _, row in met.head(1).iterrows():
        mix = f"{row['n_accurate']:,.0f} accurate labels and {row['n_cheap']:,.0f} cheap frames"
        said = f"Within the runs {mix} are the cheapest mix that meets the target with {plan.confidence:.0%}"
    errors = nodes["force_mae_ev_ang"] / scale
    return Picture(
        "budget_map",
        figure,
        data,
        "Both kinds of labels",
        "Force error of one strategy over accurate labels and cheap frames: orange lines where the target is met, "
        "dotted lines of equal price, hatched where nothing was run.",
        f"Errors from {errors.min():.2g} to {errors.max():.2g} {force_unit}. {said}.",
    )
