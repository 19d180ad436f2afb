"""The planner: the cheapest strategy and numbers of labels that meet a target error with a given probability."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from analysis.caveats import Caveat
from analysis.plan.between import candidates_between
from analysis.plan.conditions import Target, conditions_of
from analysis.plan.options import Option, curve_candidates, option_json, option_of
from analysis.plan.worth import LabelWorth, one_more_label, worth_json
from asteroid.measured_errors import Measured
from study.strategies import baseline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.plan.run_evidence import RunEvidence
    from study.prices import PriceList

SCHEMA_VERSION = 2
#: What was not run must be cheaper than this share of the best that was, to be worth the risk.
WORTH_IT = 0.95


@dataclass(frozen=True)
class TargetPlan:
    """A recommendation.

    Attributes:
        target_ev_ang: force MAE to meet, eV/Å; of energies, eV or eV per atom.
        confidence: with at least this probability.
        prices: the prices used.
        choice: the cheapest option that can be promised; None: no curve of this sweep can promise the target.
        alternatives: the best option of every other strategy, promised ones first, by price; then by probability.
        n_test: accurate test labels that the errors were measured with, outside the price; 0: cross-validated errors.
        run_caveats: of the whole run.
        already: labels that are owned, by level.
        md_steps: steps of molecular dynamics whose price entered the choice.
        measured: what the target is on.
        one_more: what one more label of each level would save at the choice; empty where there is none.
    """

    target_ev_ang: float
    confidence: float
    prices: PriceList
    choice: Option | None
    alternatives: tuple[Option, ...]
    n_test: int
    run_caveats: tuple[Caveat, ...] = ()
    already: Mapping[str, int] = field(default_factory=dict)
    md_steps: float = 0.0
    measured: Measured = Measured.FORCES
    one_more: tuple[LabelWorth, ...] = ()

    @property
    def status(self) -> tuple[Caveat, ...]:
        """Caveats of the run and of the choice (`cannot_be_promised` where there is none)."""
        return (*self.run_caveats, *(self.choice.status if self.choice else (Caveat.CANNOT_BE_PROMISED,)))

    @property
    def runner_up(self) -> Option | None:
        """The best promised option of another strategy."""
        return next((option for option in self.alternatives if option.promised), None)

    @property
    def saving(self) -> tuple[float | None, float] | None:
        """Price of `accurate_only` over (None: the choice costs nothing) and minus that of the choice, in CPU seconds.

        None where there is no choice or `accurate_only` cannot be promised.
        """
        options = [self.choice, *self.alternatives]
        base = next((o for o in options if o is not None and o.promised and o.key.strategy == baseline().slug), None)
        if base is None or self.choice is None:
            return None
        cost, other = self.choice.total_cpu_s, base.total_cpu_s
        if not (math.isfinite(cost) and math.isfinite(other)):
            return None
        return other / cost if cost > 0 else None, other - cost

    def to_json(self) -> dict[str, Any]:
        """Plain data; the choice's fields are null where nothing can be promised, gamma_rel "inf" means no weights."""
        nothing = dict.fromkeys(option_json(self.alternatives[0])) | {"promised": False} if not self.choice else {}
        return {
            "schema_version": SCHEMA_VERSION,
            **(option_json(self.choice) if self.choice else nothing),
            "status": list(self.status),
            "target": {self.measured.field: self.target_ev_ang},
            "confidence": self.confidence,
            "already": dict(self.already),
            "md_steps": self.md_steps,
            "saving_against_accurate_only": (
                {"factor": self.saving[0], "cpu_s": self.saving[1]} if self.saving else None
            ),
            "evaluation": {
                "n_test": self.n_test,
                "cpu_s": self.prices.accurate_cpu_s(self.n_test),
                "measured_by": "test" if self.n_test else "cross_validation",
            },
            "prices": self.prices.to_json(),
            "one_more_label": [worth_json(worth, self.measured) for worth in self.one_more],
            "alternatives": [option_json(option) for option in self.alternatives],
        }


def plan_target(
    run: RunEvidence,
    target_ev_ang: float,
    confidence: float = 0.9,
    *,
    already: Mapping[str, int] | None = None,
    md_steps: float = 0.0,
) -> TargetPlan:
    """Find the cheapest mix of labels with P(force MAE of one new run <= target) >= confidence.

    The curves of the table compete (`curves.competing_curves`), each at the smallest number of accurate labels
    (training and validation together) that meets the target. Choosing by the median would miss the target in about
    half of the cases. Never less than the smallest budget that was run, and never more than four times the largest.
    Where a surface holds, or neighbours tell what lies between, numbers of labels of lower levels between those that
    were run compete too.

    Args:
        run: what is known.
        target_ev_ang: force MAE to meet, eV/Å.
        confidence: between .5 and .99.
        already: labels that are owned and cost nothing, by level.
        md_steps: steps of molecular dynamics that the model is for: the price of prediction then enters the choice.

    Raises:
        InputError: a level without a price, md_steps without measured use,
            a target that is not positive and finite, a confidence out of range, or an unusable table.
    """
    target = Target(target_ev_ang, confidence)
    conditions = conditions_of(run, already, md_steps)
    candidates = curve_candidates(run, conditions)
    options = [option_of(candidate, target, conditions) for candidate in candidates]
    cheapest = min((option.total_cpu_s for option in options if option.promised), default=math.inf)
    for candidate in candidates_between(run, conditions):
        option = option_of(candidate, target, conditions)
        if option.promised and option.total_cpu_s < WORTH_IT * cheapest:
            candidates.append(candidate)
            options.append(option)
    best = {
        way: min((o for o in options if o.key.way == way), key=_rank)
        for way in dict.fromkeys(o.key.way for o in options)
    }
    ranked = sorted(best.values(), key=_rank)  # keeps the order of curves, simplest strategy first, among equals
    choice = ranked[0] if ranked[0].promised else None
    chosen = None if choice is None else candidates[options.index(choice)]
    return TargetPlan(
        target_ev_ang=target_ev_ang,
        confidence=confidence,
        prices=run.prices,
        choice=choice,
        alternatives=tuple(option for option in ranked if option is not choice),
        n_test=run.n_test,
        run_caveats=run.caveats,
        already=conditions.already,
        md_steps=md_steps,
        measured=run.measured,
        one_more=() if choice is None or chosen is None else one_more_label(run, chosen, choice.n_accurate),
    )


def _rank(option: Option) -> tuple[float, ...]:
    """Among equal prices fewer accurate labels, then the surer option; last, the order of curves: simplest first."""
    if option.promised:
        return 0, option.total_cpu_s, option.n_accurate, -option.probability
    return 1, -option.probability, option.cost_cpu_s
