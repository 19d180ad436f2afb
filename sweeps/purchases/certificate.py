"""The certificate of a purchase that has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.plural import plural

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.buying.decision import Decision
    from study.buying.candidates import Candidates
    from study.buying.decision import Standing
    from study.buying.state import PurchaseState

#: Folder of the exported model in that of a purchase.
MODEL = "model"


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
    from sweeps.purchases.decisions import decision_on, looks_of

    prices, notes = candidates.prices, candidates.notes
    table, last = read_out_of_fold(folder), state.rounds[-1]
    if table is None:
        raise InputError(f"{folder} has lost its out-of-fold errors: run the command with another --out")
    assert state.delivered is not None
    table = looks_of(table, state.request, candidates.n_atoms)
    decision = _of_the_model(decision_on(table, prices, state.request, last.most_labels), last.verdict.best)
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
        geometries = f"{last.n_failed} {plural(last.n_failed, 'geometry', 'geometries')}"
        lines.append(
            f"Note: {geometries} gave no label (failed jobs are paid for, lost ones are not); the next "
            "in order took the place, and what is certified holds where there are labels."
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


def _of_the_model(decision: Decision, delivered: Standing) -> Decision:
    """The decision with the strategy of the delivered model first, whatever an earlier version liked best."""
    strategy = delivered.name.partition(",")[0]
    own = min(
        decision.standings,
        key=lambda found: (
            found.key.strategy != strategy,
            abs(found.error_ev_ang - delivered.error_ev_ang),
        ),
    )
    others = (found for found in decision.standings if found is not own)
    return replace(decision, standings=(own, *others))
