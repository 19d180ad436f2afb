"""What decides after every look of a purchase: the analysis, asked with the words of the study."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.buying.decision import Decision
    from analysis.buying.joining import Joining
    from analysis.curves.curve_key import CurveKey
    from study.buying.decision import Decide, Request, Situation, Verdict
    from study.prices import PriceList


def decider(force_unit: str, n_atoms: int) -> Decide:
    """What decides after every look of a purchase.

    Args:
        force_unit: of errors in its sentences.
        n_atoms: of the molecule, for targets per atom.
    """
    return partial(_verdict, force_unit=force_unit, n_atoms=n_atoms)


def _verdict(situation: Situation, *, force_unit: str, n_atoms: int) -> Verdict:
    from analysis.buying.words import explain_decision, explain_joining
    from analysis.curves.curve_key import CurveKey
    from study.buying.decision import Standing, Verdict

    names = {CurveKey.of_row(columns): name for name, columns in situation.racing.items()}
    look_core_s = {key: situation.look_core_s[name] for key, name in names.items()}
    table = looks_of(situation.looks, situation.request, n_atoms)
    decision = decision_on(table, situation.prices, situation.request, situation.most_labels, look_core_s)
    standings = tuple(
        Standing(names[own.key], own.error_ev_ang, own.low_ev_ang, own.high_ev_ang, own.probability, own.racing)
        for own in decision.standings
    )
    waiting = {CurveKey.of_row(columns): name for name, columns in situation.waiting.items()}
    joining = _joining(situation, table, decision, look_core_s, list(waiting))
    if joining is not None:
        level = situation.intermediate_level
        sentences = tuple(explain_joining(decision, joining, level, force_unit=force_unit))
        joined = tuple(waiting[key] for key in joining.keys)
        return Verdict("buy", situation.n_owned, standings, sentences, joined, joining.n_labels)
    sentences = tuple(explain_decision(decision, force_unit=force_unit))
    return Verdict(decision.action, decision.n_next, standings, sentences)


def _joining(
    situation: Situation,
    table: pd.DataFrame,
    decision: Decision,
    look_core_s: dict[CurveKey, float],
    waiting: list[CurveKey],
) -> Joining | None:
    """Labels of the level between that are worth being bought next; None where nobody waits for any, or none are."""
    from analysis.buying.joining import Between, worth_joining

    if not waiting:
        return None
    label_cpu_s = situation.prices.accurate_cpu_s(1)

    def decide_on(table: pd.DataFrame, like: Mapping[CurveKey, CurveKey], spent_cpu_s: float) -> Decision:
        looks = look_core_s | {key: look_core_s[own] for key, own in like.items()}
        affordable = (situation.left_cpu_s - spent_cpu_s) / max(label_cpu_s, 1e-9)
        most = max(min(situation.most_labels, situation.n_owned + affordable), situation.n_owned)
        return decision_on(table, situation.prices, situation.request, math.floor(most), looks)

    between = Between(situation.intermediate_level, situation.n_intermediate, waiting, situation.left_cpu_s)
    return worth_joining(table, situation.prices, decision, between, decide_on, look_core_s)


def looks_of(table: pd.DataFrame, request: Request, n_atoms: int) -> pd.DataFrame:
    """The out-of-fold errors of what the target is on."""
    from analysis.curves.energy_errors import out_of_fold_errors_of
    from asteroid.measured_errors import Measured

    return out_of_fold_errors_of(table, Measured(request.measured), n_atoms)


def decision_on(
    table: pd.DataFrame,
    prices: PriceList,
    request: Request,
    most_labels: int,
    look_core_s: dict[CurveKey, float] | None = None,
) -> Decision:
    """Where a purchase stands with out-of-fold errors of what its target is on."""
    from analysis.buying.decide import decide
    from analysis.buying.decision import Limits
    from analysis.buying.prior import prior_of

    return decide(
        table,
        prices,
        target_ev_ang=request.target_ev_ang,
        confidence=request.confidence,
        limits=Limits(most_labels=most_labels),
        look_core_s=look_core_s,
        prior=prior_of(request.prior),
    )
