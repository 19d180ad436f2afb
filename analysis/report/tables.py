"""The tables of the report as plain rows of text: options, fits, chosen settings, ledger, settings."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.curves.curve_key import labels_of
from analysis.curves.curves import curves_of
from analysis.curves.evidence import evidence_of
from analysis.curves.power_law import slope
from analysis.names import display_level, duration, in_percent
from analysis.plan.words import refusal
from asteroid.measured_errors import error_unit
from asteroid.plural import plural
from study.strategies import strategy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.curves.evidence import Evidence
    from analysis.plan.labels_for_target import TargetPlan
    from analysis.plan.options import Option


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Attributes:
        caption: what it shows.
        head: names of the columns.
        rows: cells, as many in each row as the head has.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def options_table(plan: TargetPlan) -> TextTable:
    """The choice and the best option of every other strategy, with prices and intervals."""
    options = ([plan.choice] if plan.choice else []) + list(plan.alternatives)
    priced = ("Strategy", "Accurate labels", "Cheap frames", "Price of the labels", "5% to 95% of runs")
    head = (*priced, "Probability", "CPU per predicted frame")
    rows = tuple(
        (
            option.label.partition(", ")[0] + _gamma(option) + _levels(option),
            f"{option.n_accurate:,}" if option.promised else "cannot be promised",
            " + ".join(f"{n:,}" for n in (option.key.n_cheap, option.key.n_intermediate) if n) or "0",
            duration(option.cost_cpu_s) if option.promised else "",
            _range(option) if option.promised else "",
            in_percent(option.probability) if option.promised else refusal(option).strip().partition(": ")[2],
            _use(option, plan),
        )
        for option in options
    )
    return TextTable("The best option of every strategy, the recommended one first; prices in CPU time", head, rows)


def fits_table(table: pd.DataFrame, *, force_unit: str, seed: int = 0) -> TextTable:
    """Every curve's data, power law, lack of fit, reach and caveats.

    Raises:
        InputError: the table has no usable curve, or the unit is not known.
    """
    scale = error_unit(force_unit)
    curves = curves_of(table)
    head = (
        "Curve",
        "Runs",
        f"Median error ({force_unit})",
        "α [90%]",
        "Lack of fit p, misfit",
        "Speaks up to",
        "Caveats",
    )
    rows = []
    for curve, label in zip(curves, labels_of([c.key for c in curves]), strict=True):
        evidence = evidence_of(curve, seed=seed)
        budgets = sorted(set(curve.budget.tolist()))
        medians = [float(np.median(curve.error_ev_ang[curve.budget == n])) / scale for n in budgets]
        errors = f"{medians[0]:.2g} → {medians[-1]:.2g}" if len(budgets) > 1 else f"{medians[0]:.2g}"
        runs = f"{len(curve.budget)} at {len(budgets)} {plural(len(budgets), 'budget')}"
        caveats = "; ".join(caveat.sentence for caveat in evidence.status)
        rows.append((label, runs, errors, _slope(evidence), _gate(evidence), _reach(evidence), caveats or "none"))
    return TextTable("Power-law fits of all curves", head, tuple(rows))


def chosen_table(trials: pd.DataFrame | None, *, force_unit: str) -> TextTable | None:
    """The settings that the tuning studies chose; None where nothing was chosen."""
    if trials is None or not trials["chosen"].any():
        return None
    scale = error_unit(force_unit)
    rows = []
    for _, trial in trials[trials["chosen"]].iterrows():
        settings = ", ".join(f"{name} = {plain(value)}" for name, value in json.loads(trial["settings"]).items())
        error, se = trial["cv_force_mae_ev_ang"] / scale, trial["cv_force_mae_se_ev_ang"] / scale
        spread = f" ± {se:.1g}" if math.isfinite(se) else ""
        finished = int(((trials["study"] == trial["study"]) & (trials["state"] == "COMPLETE")).sum())
        rows.append((str(trial["study"]), str(finished), f"{error:.3g}{spread}", settings))
    head = ("Study", "Finished trials", f"Cross-validated error ({force_unit})", "Chosen settings")
    return TextTable("Settings chosen by the one-standard-error rule", head, tuple(rows))


def ledger_table(manifest: Mapping[str, Any], prices: Mapping[str, Any]) -> TextTable:
    """What the whole study used: labels and their price, evaluation labels, training."""
    ledger, accurate, cheap = manifest["ledger"], manifest["level_accurate"], manifest["level_cheap"]
    levels = prices["levels"]
    each = {name: level["label_cpu_s"] + level["sampling_cpu_s"] for name, level in levels.items()}

    def row(what: str, level: str, count: int) -> tuple[str, ...]:
        price = f"{each[level]:.3g} s ({levels[level]['source']})"
        return what, display_level(level), f"{count:,}", price, duration(count * each[level])

    below = ledger.get("lower_levels") or {cheap: {"frames_assumed_bought": ledger["cheap_frames_assumed_bought"]}}
    rows = (
        row("accurate labels, training and validation", accurate, ledger["accurate_labels_assumed_bought"]),
        *(row("cheap frames, label and sampling", level, own["frames_assumed_bought"]) for level, own in below.items()),
        row("evaluation labels, outside every budget", accurate, ledger["evaluation_labels"]),
        ("training of all stages, each once", "", "", "", f"{duration(ledger['sweep_core_s'])} on one core"),
    )
    caption = "What the whole study assumed to be bought, over all budgets and seeds, in CPU time"
    return TextTable(caption, ("What", "Level", "Number", "Price of one", "Sum"), rows)


def settings_table(sweep: Mapping[str, Any]) -> TextTable:
    """The settings of the sweep, one group a row."""
    rows: list[tuple[str, str]] = []
    for name, value in sweep.items():
        nested = isinstance(value, dict) and value and all(isinstance(inner, dict) for inner in value.values())
        groups = {f"{name} {key}": inner for key, inner in value.items()} if nested else {name: value}
        rows += [(key.replace("_", " "), plain(inner)) for key, inner in groups.items() if inner not in (None, {}, [])]
    return TextTable("Settings, defaults included", ("Setting", "Value"), tuple(rows))


def versions_table(manifest: Mapping[str, Any]) -> TextTable:
    """Versions of software and the machine."""
    hardware = {name.replace("_gib", " (GiB)"): plain(value) for name, value in manifest["hardware"].items()}
    rows = tuple((str(name), str(value)) for name, value in [*manifest["versions"].items(), *hardware.items()])
    return TextTable("Software and hardware", ("Name", "Version or value"), rows)


def plain(value: Any) -> str:
    """A setting as text: lists and groups on one line, numbers without needless digits."""
    if isinstance(value, dict):
        return ", ".join(f"{key} = {plain(inner)}" for key, inner in value.items() if inner not in (None, {}, []))
    if isinstance(value, list):
        return ", ".join(map(plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _gamma(option: Option) -> str:
    return f", γ/median = {option.key.gamma_rel:g}" if math.isfinite(option.key.gamma_rel) else ""


def _levels(option: Option) -> str:
    """The levels below the accurate one, where a study has several."""
    names = [display_level(level) for level in (option.key.cheap_level, option.key.intermediate_level) if level]
    return f" ({' and '.join(names)})" if names else ""


def _range(option: Option) -> str:
    if option.n_accurate == 0:
        return "no accurate labels"
    low, high = (f"{n:,}" if n is not None else "more than this sweep can say" for n in option.interval_n)
    return f"{low} to {high} labels"


def _use(option: Option, plan: TargetPlan) -> str:
    per_frame = option.use_cpu_s_per_frame
    measured = "not measured" if math.isnan(per_frame) else f"{per_frame:.2g} s"
    runs = strategy_of(option.key.strategy).runs_cheap_method
    return f"{measured}; runs {display_level(plan.prices.level_of(option.key.lower))} each time" if runs else measured


def _slope(evidence: Evidence) -> str:
    if evidence.curve.horizontal:
        return "no accurate labels"
    if evidence.fit is None:
        return "no power law"
    alpha, low, high = slope(evidence.fit)
    return f"{alpha:.2f} [{low:.2f}, {high:.2f}]"


def _gate(evidence: Evidence) -> str:
    p = evidence.lack_of_fit_p
    if p is None:
        return "not tested"
    return f"{'< 0.001' if p < 0.001 else f'{p:.2g}'}, {evidence.misfit_rms or 0.0:.1%}"


def _reach(evidence: Evidence) -> str:
    return "0 labels" if evidence.curve.horizontal else f"{math.floor(evidence.limit):,} labels"
