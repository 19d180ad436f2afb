"""Purchases between the study, which makes them, and the analysis, which decides and certifies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from analysis.buying.decision import Decision
    from analysis.buying.joining import Joining
    from analysis.buying.outlook import Way
    from analysis.curves.curve_key import CurveKey
    from analysis.purchase_files import PurchaseFiles
    from asteroid.measured_errors import Measured
    from study.buying.candidates import Candidates
    from study.buying.decision import Decide, Request, Situation, Verdict
    from study.buying.state import PurchaseState
    from study.prices import PriceList

#: Folder of the exported model in that of a purchase.
MODEL = "model"


def parse_most(text: str | None) -> tuple[int | None, float | None]:
    """A limit: labels ("200"), or CPU time ("20h").

    Returns:
        (labels, CPU seconds), one of them None; both where there is no limit.

    Raises:
        InputError: it is neither.
    """
    from asteroid.units import parse_seconds

    if text is None:
        return None, None
    digits = text.strip().removesuffix("labels").strip().replace(",", "")
    if digits.isdigit():
        return int(digits), None
    try:
        seconds = parse_seconds(text)
    except InputError as error:
        raise InputError(f"--most is a number of labels or a time, found {text!r}: write 200 or 20h") from error
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"--most is more than nothing, found {text!r}: write 200 or 20h")
    return None, seconds


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
    table = _looks(situation.looks, situation.request, n_atoms)
    decision = _decision(table, situation.prices, situation.request, situation.most_labels, look_core_s)
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
        return _decision(table, situation.prices, situation.request, math.floor(most), looks)

    between = Between(situation.intermediate_level, situation.n_intermediate, waiting, situation.left_cpu_s)
    return worth_joining(table, situation.prices, decision, between, decide_on, look_core_s)


def _looks(table: pd.DataFrame, request: Request, n_atoms: int) -> pd.DataFrame:
    """The out-of-fold errors of what the target is on."""
    from analysis.curves.energy_errors import out_of_fold_errors_of
    from asteroid.measured_errors import Measured

    return out_of_fold_errors_of(table, Measured(request.measured), n_atoms)


def _decision(
    table: pd.DataFrame,
    prices: PriceList,
    request: Request,
    most_labels: int,
    look_core_s: dict[CurveKey, float] | None = None,
) -> Decision:
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


def write_certificate(folder: Path, state: PurchaseState, candidates: Candidates, force_unit: str) -> list[str]:
    """Write `certificate.json` and `certificate.txt` of a purchase that has ended; returns its lines.

    Raises:
        InputError: the unit is not known, or the table of out-of-fold errors is gone.
    """
    from analysis.buying.certificate import certify
    from analysis.buying.prior import prior_of
    from analysis.names import display_level
    from analysis.purchase_files import CERTIFICATE
    from study.digests import write_text_with_digest
    from study.files import write_record
    from study.run.manifest import package_versions
    from study.strategies import STRATEGIES
    from study.tables.out_of_fold import read_out_of_fold

    prices, notes = candidates.prices, candidates.notes
    table, last = read_out_of_fold(folder), state.rounds[-1]
    if table is None:
        raise InputError(f"{folder} has lost its out-of-fold errors: run the command with another --out")
    assert state.delivered is not None
    table = _looks(table, state.request, candidates.n_atoms)
    decision = _decision(table, prices, state.request, last.most_labels)
    best = decision.best.key
    counts = STRATEGIES[best.strategy].counts(last.n_owned, best.lower)
    between = {}
    if candidates.intermediate is not None:
        between = {f"{display_level(candidates.intermediate.level)} labels": last.intermediate_cpu_s}
    # Where cheap levels compete, what all of them took is spent, whichever of them wins.
    cheap_cpu_s = sum(last.below_cpu_s.values()) if len(state.levels) > 2 else prices.cpu_s(counts)[1]
    spent = {
        "accurate labels": last.label_cpu_s,
        **between,
        "cheap labels and sampling": cheap_cpu_s,
        "training of all rounds": sum(own.core_s for own in state.rounds),
    }
    certificate = certify(table, decision, spent, prior=prior_of(state.request.prior))
    lines = certificate.lines(force_unit=state.request.unit_to_show(force_unit))
    lines += [f"Note: {note}." for note in notes]
    if last.n_failed:
        lines.append(
            f"Note: {last.n_failed} geometries gave no label, are paid for, and were replaced by the next "
            "in order; what is certified holds where there are labels."
        )
    told = certificate.to_json() | {
        "name": state.name,
        "labels": {"owned": last.n_owned, "bought": last.n_bought, "failed": last.n_failed}
        | ({"intermediate": last.n_intermediate} if between else {}),
        "model": MODEL,
        "stage_keys": state.delivered["stage_keys"],
        "prior": state.request.prior,
        "measured": state.request.measured,
        "n_atoms": candidates.n_atoms,
        "notes": list(notes),
        **({"levels": list(state.levels)} if len(state.levels) > 2 else {}),
        "prices": prices.to_json(),
        "data_card": list(candidates.card),
        "version": package_versions()["asteroid-study"],
    }
    write_record(folder / f"{CERTIFICATE}.json", told)
    write_text_with_digest(folder / f"{CERTIFICATE}.txt", "\n".join(lines) + "\n")
    return lines


@dataclass(frozen=True)
class PurchasePlan:
    """What a target, or else a price, would take beyond the labels of a purchase.

    Attributes:
        target_ev_ang: force MAE to meet, eV/Å, or of energies, eV; None: a price is asked for.
        budget_cpu_s: CPU seconds to spend; None: a target is asked for.
        confidence: probability with which a target must be met.
        level: accurate level.
        ways: one for each strategy, the best one first.
        measured: what the errors are of.
    """

    target_ev_ang: float | None
    budget_cpu_s: float | None
    confidence: float
    level: str
    ways: tuple[Way, ...]
    measured: Measured

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told: dict[str, Any] = {name: getattr(self, name) for name in ("target_ev_ang", "budget_cpu_s", "confidence")}
        told |= {"measured": str(self.measured)}
        return told | {"measured_by": "cross_validation", "ways": [way.to_json() for way in self.ways]}

    def lines(self, force_unit: str) -> list[str]:
        """The same in words.

        Raises:
            InputError: the unit is not known.
        """
        from analysis.buying.outlook import explain_price, explain_target
        from asteroid.measured_errors import unit_to_show

        force_unit = unit_to_show(self.measured, force_unit)
        if self.target_ev_ang is not None:
            return explain_target(list(self.ways), self.level, self.target_ev_ang, self.confidence, force_unit)
        assert self.budget_cpu_s is not None
        return explain_price(list(self.ways), self.level, self.budget_cpu_s, force_unit)


def purchase_plan(
    files: PurchaseFiles,
    prices: PriceList,
    target_ev_ang: float | None,
    budget_cpu_s: float | None,
    confidence: float,
    measured: Measured,
) -> PurchasePlan:
    """Ask what a target, or else a price, would take beyond the labels of a purchase.

    Raises:
        InputError: target, price or confidence cannot be used.
    """
    from analysis.buying.outlook import ways_for_price, ways_to_target
    from analysis.buying.prior import prior_of
    from analysis.curves.energy_errors import out_of_fold_errors_of

    prior = prior_of(files.prior)
    looks = out_of_fold_errors_of(files.looks, measured, files.n_atoms)
    if target_ev_ang is not None:
        ways = ways_to_target(looks, prices, target_ev_ang, confidence, prior)
    else:
        assert budget_cpu_s is not None
        ways = ways_for_price(looks, prices, budget_cpu_s, prior)
    return PurchasePlan(target_ev_ang, budget_cpu_s, confidence, prices.accurate, tuple(ways), measured)


def round_line(state: PurchaseState, force_unit: str) -> str:
    """One line on the last round: labels, price so far, the best with its interval, P, what is next."""
    from analysis.names import duration, shown_probability
    from asteroid.measured_errors import error_unit

    force_unit = state.request.unit_to_show(force_unit)
    own, scale = state.rounds[-1], error_unit(force_unit)
    best = own.verdict.best
    low, middle, high = (v / scale for v in (best.low_ev_ang, best.error_ev_ang, best.high_ev_ang))
    following = {"stop": "stop", "cannot": "give up", "buy": f"buy {own.verdict.n_next - own.n_owned}"}
    if own.verdict.joining:
        following["buy"] = f"buy {own.verdict.n_intermediate - own.n_intermediate} of {state.levels[-1]}"
    between = f" and {own.n_intermediate} of {state.levels[-1]}" if own.n_intermediate else ""
    return (
        f"round {len(state.rounds)} | {own.n_owned} labels{between}, {duration(own.labels_cpu_s)} | {best.name}: "
        f"{middle:.3g} [{low:.3g}, {high:.3g}] {force_unit} | P {shown_probability(best.probability):.2f} | "
        f"{following[own.verdict.action]}"
    )


def rounds_lines(state: PurchaseState, force_unit: str) -> list[str]:
    """A table of all rounds, one line each; with the labels of the level between where there are any."""
    from analysis.names import duration, shown_probability
    from asteroid.measured_errors import error_unit

    force_unit = state.request.unit_to_show(force_unit)
    scale = error_unit(force_unit)
    is_ladder = any(own.n_intermediate for own in state.rounds)
    between = state.levels[-1]
    head = ["round", "labels", "price", "training", f"error ({force_unit})", "P", "racing", "next"]
    rows = [[*head[:2], between, *head[2:]] if is_ladder else head]
    spent_s = 0.0
    for number, own in enumerate(state.rounds, 1):
        best, spent_s = own.verdict.best, spent_s + own.core_s
        low, middle, high = (v / scale for v in (best.low_ev_ang, best.error_ev_ang, best.high_ev_ang))
        following = {"stop": "stop", "cannot": "give up"}.get(own.verdict.action, f"{own.verdict.n_next} labels")
        rows.append(
            [
                str(number),
                str(own.n_owned),
                *([str(own.n_intermediate)] if is_ladder else []),
                duration(own.labels_cpu_s),
                duration(spent_s),
                f"{middle:.3g} [{low:.3g}, {high:.3g}]",
                f"{shown_probability(best.probability):.2f}",
                str(len(own.verdict.racing) + len(own.verdict.joining)),
                f"{own.verdict.n_intermediate} {between}" if own.verdict.joining else following,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def hidden_line(state: PurchaseState, force_unit: str) -> str:
    """What the delivered model's error is on labels that a replay has hidden from the purchase."""
    from asteroid.measured_errors import Measured, error_unit

    assert state.delivered is not None
    delivered, request = state.delivered, state.request
    known = {
        Measured.FORCES: delivered["hidden_error_ev_ang"],
        Measured.ENERGIES: delivered.get("hidden_energy_error_ev"),
        Measured.ENERGIES_PER_ATOM: delivered.get("hidden_energy_error_ev_per_atom"),
    }
    unit = request.unit_to_show(force_unit)
    error = known[Measured(request.measured)]
    shown = "not known" if error is None else f"{error / error_unit(unit):.3g} {unit}"
    return f"on {delivered['n_hidden']:,} labels that the purchase has not seen: {shown}"
