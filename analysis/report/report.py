"""The report of a run: one HTML page that needs nothing else, the recommendation first, the same bytes every time."""

from __future__ import annotations

import base64
import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from analysis.caveats import Caveat
from analysis.figures.gallery import FIGURES, draw_figures
from analysis.figures.picture import FigureInput
from analysis.figures.readings import readings
from analysis.figures.style import svg_of
from analysis.names import display_formula, display_level, duration, in_percent
from analysis.plan.answers import explain_counts, explain_surface
from analysis.plan.labels_for_target import plan_target
from analysis.plan.run_evidence import run_evidence
from analysis.plan.targets import default_target
from analysis.plan.words import explain
from analysis.report.molecules_table import molecules_table
from analysis.report.planner_card import planner_data, planner_json
from analysis.report.tables import chosen_table, fits_table, ledger_table, options_table, settings_table, versions_table
from analysis.report.templates import page_template
from analysis.report.warnings_table import warnings_table
from asteroid.measured_errors import Measured, error_unit, measured_in, named_in, unit_to_show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.figures.picture import Picture
    from analysis.plan.labels_for_target import TargetPlan
    from analysis.run_files import RunFiles
    from study.prices import PriceList

#: Width on the screen of one inch of a figure, and the width above which a figure may be scrolled on a small screen.
_PX_PER_IN, _WIDE_PX = 110, 400
#: Scripts of pages: of the card in which the plan is moved, and of all figures.
_PLANNER = ("planner.js", "controls.js", "planner_page.js")
OF_FIGURES = ("zoom.js", "readings.js")
_PAGE_ORDER = [figure.stem for figure in FIGURES]


def make_report(
    run: RunFiles,
    prices: PriceList,
    *,
    target_ev_ang: float | None = None,
    confidence: float = 0.9,
    force_unit: str = "kcal/mol/Å",
    price_options: Sequence[str] = (),
) -> str:
    """Write the page.

    Args:
        run: what the run folder holds.
        prices: of the accurate and the cheap level.
        target_ev_ang: force MAE to meet, eV/Å; by default `targets.default_target`, which the page says.
        confidence: probability with which one new run must meet it.
        force_unit: on display; it tells what errors and target are of.
        price_options: prices given by the user (LEVEL=TIME), for the commands that reproduce the page.

    Returns:
        HTML that loads nothing; its own scripts move the plan, zoom into figures and read them off.

    Raises:
        InputError: the table has no usable curve, the errors of molecules are of another table, the target or the
            confidence is out of range, or the unit unknown.
    """
    manifest, table = run.manifest, run.table
    given = FigureInput(manifest, prices, force_unit=force_unit)
    of_forces = unit_to_show(Measured.FORCES, force_unit)
    pictures = draw_figures(replace(given, trials=run.trials, importances=run.importances, rounds=run.rounds))
    plan, target_source, known, planner = None, "", None, None
    if table is not None and (len(table) or not pictures):
        known = run_evidence(table, manifest, prices, measured=measured_in(force_unit))
        if target_ev_ang is None:
            target_ev_ang, target_source = default_target(known.table, force_unit=force_unit)
        plan = plan_target(known, target_ev_ang, confidence)
        pictures += draw_figures(replace(given, run=known, plan=plan))
        planner = Markup(planner_json(planner_data(known, plan, force_unit)))  # noqa: S704 (escaped for a script)
    options = shown_options(target_ev_ang, confidence, force_unit, price_options) if plan else []
    return page_template("report.html.jinja", *(_PLANNER if planner else ()), *OF_FIGURES).render(
        manifest=manifest,
        planner=planner,
        force_unit=force_unit,
        error=named_in(force_unit),
        molecule=display_formula(manifest["molecule"]),
        accurate=display_level(manifest["level_accurate"]),
        cheap=display_level(manifest["level_cheap"]),
        finished=0 if table is None else int((table["status"] == "ok").sum()),
        plan=plan,
        target_source=target_source,
        recommendation=_recommendation(plan, force_unit) if plan else None,
        options=options_table(plan) if plan else None,
        figures=[inline(picture) for picture in sorted(pictures, key=_place)],
        fits=fits_table(known.table, force_unit=force_unit) if known else None,
        molecules=molecules_table(table, run.molecules, force_unit=of_forces) if plan and table is not None else None,
        warned=warnings_table(table) if table is not None else None,
        checked=[*explain_surface(known.surface), *explain_counts(known.count_check)] if known else [],
        chosen=chosen_table(run.trials, force_unit=of_forces),
        ledger=ledger_table(manifest, prices.to_json()),
        settings=settings_table(manifest["sweep"]),
        versions=versions_table(manifest),
        absent=_absent(run),
        commands=commands(manifest["name"], options),
        sweep_yaml=run.sweep_yaml,
    )


def _place(picture: Picture) -> int:
    return _PAGE_ORDER.index(picture.stem)


def shown_options(
    target_ev_ang: float | None, confidence: float, force_unit: str, price_options: Sequence[str]
) -> list[str]:
    """The options of `plan` and `report` that ask the same question again."""
    unit = force_unit.replace("Å", "A")
    words = []
    if target_ev_ang is not None:
        words += ["--target", f"{target_ev_ang / error_unit(force_unit):.6g} {unit}"]
    words += ["--confidence", f"{confidence:g}", "--force-unit", unit]
    for price in price_options:
        words += ["--price", price]
    return words


def commands(name: str, options: Sequence[str]) -> list[str]:
    """Shell commands that repeat the run, its figures, its plan and this page."""
    folder, sweep = f"runs/{name}", f"{name}.yaml"
    words = [
        ["asteroid-study", "run", sweep, "--out", folder],
        ["asteroid-study", "plot", folder],
        *([["asteroid-study", "plan", folder, *options]] if options else []),
        ["asteroid-study", "report", folder, *options],
    ]
    return [shlex.join(line) for line in words]


def _recommendation(plan: TargetPlan, force_unit: str) -> dict[str, Any]:
    """The plan in words: headline, numbers to remember, further sentences, caveats."""
    lines = [line.strip() for line in explain(plan, force_unit=force_unit) if not line.startswith("Caveat: ")]
    caveats = [caveat.sentence for caveat in plan.status if caveat is not Caveat.CANNOT_BE_PROMISED]
    choice = plan.choice
    if choice is None:
        return {"headline": lines[0], "facts": [], "lines": lines[1:], "caveats": caveats}
    facts = [
        (f"{choice.n_accurate:,}", f"labels of {display_level(plan.prices.accurate)}"),
        (f"{choice.key.n_cheap:,}", f"frames of {display_level(plan.prices.level_of(choice.key.lower))}"),
        *(
            [(f"{choice.key.n_intermediate:,}", f"labels of {display_level(choice.key.intermediate_level)}")]
            if choice.key.n_intermediate
            else []
        ),
        (duration(choice.cost_cpu_s), "of CPU for these labels"),
        (in_percent(choice.probability), "probability that one new run meets the target"),
    ]
    return {
        "headline": f"{lines[0]} {lines[1]}",
        "facts": facts,
        "lines": lines[2:],
        "caveats": caveats,
    }


def inline(picture: Picture) -> dict[str, Any]:
    """A figure as the gallery of a page has it, drawn into the page."""
    drawn = svg_of(picture.figure)
    width_px = round(picture.figure.get_figwidth() * _PX_PER_IN)
    return {
        "stem": picture.stem,
        "title": picture.title,
        "caption": picture.caption,
        "alt": picture.alt,
        "readings": json.dumps(readings(picture.figure), separators=(",", ":"), ensure_ascii=False),
        "width_px": width_px,
        "wide": width_px > _WIDE_PX,
        "uri": "data:image/svg+xml;base64," + base64.b64encode(drawn).decode("ascii"),
    }


def _absent(run: RunFiles) -> list[str]:
    """What this run has no data for, in words."""
    absent = []
    if run.trials is None:
        absent.append("trials.csv: no search was part of this run, so no figure of its trials")
    if run.importances is None:
        absent.append("importances.csv: no importances of settings")
    if run.table is None:
        absent.append("results table: no learning curves, so no recommendation")
    return absent
