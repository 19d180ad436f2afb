"""The page of a purchase: its certificate first, then rounds, curves, and what other targets would take."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from analysis.buying.contender_name import contender_names
from analysis.buying.outlook import explain_target, ways_to_target
from analysis.buying.prior import prior_of
from analysis.curves.energy_errors import out_of_fold_errors_of
from analysis.figures.purchase import FIGURE, purchase_picture
from analysis.figures.purchase_curves import cross_validated_column, purchase_curves_picture
from analysis.names import display_level, duration, in_percent, shown_probability
from analysis.report.planner_card import planner_json
from analysis.report.purchase_card import purchase_card_data
from analysis.report.report import OF_FIGURES, inline
from analysis.report.tables import TextTable
from analysis.report.templates import page_template
from asteroid.measured_errors import error_unit, named_in, unit_to_show

if TYPE_CHECKING:
    import pandas as pd

    from analysis.figures.picture import Picture
    from analysis.purchase_files import PurchaseFiles
    from asteroid.measured_errors import Measured
    from study.prices import PriceList

#: Scripts of the card in which the plan is moved.
_CARD = ("planner.js", "controls.js", "purchase_ways.js", "purchase_page.js")
#: Other targets on the page, as multiples of the purchase's.
_OTHER_TARGETS = (1.5, 1.0, 0.75, 0.5)


def purchase_pictures(files: PurchaseFiles, *, force_unit: str = "kcal/mol/Å") -> list[Picture]:
    """Both figures of a purchase: the rounds, and the cross-validated curves.

    Raises:
        InputError: the unit is not known.
    """
    level, force_unit = display_level(files.prices.accurate), unit_to_show(files.measured, force_unit)
    rounds = purchase_picture(files.rounds, level=level, force_unit=force_unit)
    assert rounds is not None  # it has ended
    curves = purchase_curves_picture(
        out_of_fold_errors_of(files.looks, files.measured, files.n_atoms),
        prior_of(files.prior),
        target_ev_ang=files.certificate["target_ev_ang"],
        level=level,
        force_unit=force_unit,
    )
    return [replace(rounds, stem=FIGURE.stem), curves]


def make_purchase_report(
    files: PurchaseFiles,
    prices: PriceList,
    *,
    target_ev_ang: float | None = None,
    confidence: float = 0.9,
    force_unit: str = "kcal/mol/Å",
    measured: Measured | None = None,
) -> str:
    """Write the page.

    Args:
        files: what the folder holds.
        prices: of both levels, perhaps others than the purchase's.
        target_ev_ang: force MAE to plan for, eV/Å; by default multiples of the purchase's own.
        confidence: probability with which a plan must hold.
        force_unit: on display, where it is a unit of what is shown.
        measured: what the target is on; None: what that of the purchase was on.

    Returns:
        HTML that loads nothing; its own scripts move the plan, zoom into figures and read them off.

    Raises:
        InputError: the target, the confidence or the unit cannot be used.
    """
    told, wanted, measured = files.certificate, force_unit, measured or files.measured
    force_unit = unit_to_show(files.measured, wanted)
    looks = out_of_fold_errors_of(files.looks, measured, files.n_atoms)
    own = told["target_ev_ang"]
    targets = [target_ev_ang] if target_ev_ang is not None else [factor * own for factor in _OTHER_TARGETS]
    plans, prior = [], prior_of(files.prior)
    for target in targets:
        ways = ways_to_target(looks, prices, target, confidence, prior)
        plans.append(explain_target(ways, prices.accurate, target, confidence, unit_to_show(measured, wanted)))
    shown = files.measured.usual_unit
    unit = f"{own / error_unit(shown):.6g} {shown.replace('Å', 'A')}"
    command = ["asteroid-study", "buy", f"{files.name}.yaml", "--target", unit, "--out", files.name]
    shown_unit = unit_to_show(measured, wanted)
    planner = purchase_card_data(looks, prices, targets[0 if target_ev_ang else 1], confidence, shown_unit, prior)
    return page_template(
        "purchase.html.jinja", *_CARD, *OF_FIGURES
    ).render(
        planner=Markup(planner_json(planner)),  # noqa: S704 (escaped for a script)
        error=named_in(shown_unit),
        unit=shown_unit,
        name=files.name,
        column=cross_validated_column(files.measured),
        accurate=display_level(prices.accurate),
        cheap=" and ".join(map(display_level, files.levels[1:])),
        met=told["met"],
        words=files.words,
        facts=_facts(files, force_unit),
        rounds=rounds_table(files.rounds, force_unit=force_unit, between=display_level(files.levels[-1])),
        figures=[inline(picture) for picture in purchase_pictures(files, force_unit=force_unit)],
        plans=[(lines[0], lines[1:-1]) for lines in plans],
        measured=plans[0][-1],
        card=told["data_card"],
        command=shlex.join(command),
        study_yaml=files.study_yaml,
        version=told["version"],
    )


def rounds_table(rounds: pd.DataFrame, *, force_unit: str, between: str = "") -> TextTable:
    """The best strategy of every look.

    Args:
        rounds: of `study.tables.rounds`.
        force_unit: of the errors.
        between: the level between, for the heading, where the rounds have labels of one.

    Raises:
        InputError: the unit is not known.
    """
    unit = error_unit(force_unit)
    ends = {"stop": "stop", "cannot": "give up"}
    is_ladder = "n_intermediate" in rounds
    rows = []
    names = contender_names(zip(rounds["contender"], rounds["strategy"], strict=True))
    for row in rounds[rounds["best"]].to_dict("records"):
        low, middle, high = (row[name] / unit for name in ("low_ev_ang", "error_ev_ang", "high_ev_ang"))
        following = f"{row['n_next']} labels"
        if is_ladder and row["n_intermediate_next"] > row["n_intermediate"]:
            following = f"{row['n_intermediate_next']} of {between}"
        rows.append(
            (
                str(row["round"]),
                str(row["n_labels"]),
                *([str(row["n_intermediate"])] if is_ladder else []),
                duration(row["label_cpu_s"] + row.get("intermediate_cpu_s", 0.0)),
                duration(row["core_s"]),
                names[row["contender"]],
                f"{middle:.3g} [{low:.3g}, {high:.3g}]",
                f"{shown_probability(row['probability']):.2f}",
                ends.get(row["action"], following),
            )
        )
    head = ("Round", "Labels", *([between] if is_ladder else []), "Price", "Training", "Best strategy")
    head = (*head, f"Error ({force_unit})", "P(target met)", "Next")
    return TextTable("The best strategy of every look, its cross-validated error with 90 % interval", head, tuple(rows))


def _facts(files: PurchaseFiles, force_unit: str) -> list[tuple[str, str]]:
    """Numbers to remember: value, what it is."""
    told, unit = files.certificate, error_unit(force_unit)
    own = told["standing"]
    return [
        (f"{told['labels']['owned']:,}", f"labels of {display_level(files.prices.accurate)}"),
        (f"{own['error_ev_ang'] / unit:.3g}", f"{named_in(force_unit)} in {force_unit}, cross-validated"),
        (
            in_percent(own["probability"]),
            f"probability that it is at most {told['target_ev_ang'] / unit:.3g}",
        ),
        (duration(sum(told["spent_cpu_s"].values())), "of CPU for labels and training"),
    ]
