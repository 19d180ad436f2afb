"""Stop, buy or give up: what the labels owned say of the target, and how many to own at the next look.

The rule: stop when P(log error of a model in hand <= log target) >= confidence. The posterior uses all looks at once
with what they share, so looking often does not make it surer than it is; the best of several strategies is
freed of its selection bias first (`race`). Else buy the batch of the smallest expected total cost (`next_batch`).
Give up when even the most labels that may be bought are unlikely to be enough.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from analysis.buying.decision import Costs, Decision, Limits, Standing, Wish
from analysis.buying.looks import control_shift, looks_of
from analysis.buying.next_batch import cheapest_next, sizes, stop_probability
from analysis.buying.noise_law import NoiseLaw
from analysis.buying.posterior import error_posterior
from analysis.buying.prior import learnt_prior
from analysis.buying.race import at_equal_price, first_to_meet, still_racing, without_selection_bias
from analysis.caveats import Caveat, those_that_hold
from study.strategies import strategy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.buying.decision import Action
    from analysis.buying.posterior import Looks
    from analysis.buying.prior import CurvePrior
    from analysis.curves.curve_key import CurveKey
    from study.prices import PriceList

#: Without a limit, nobody looks further ahead than this many times the labels owned, or this many labels.
_HORIZON, _LEAST_HORIZON = 4, 200
#: Probability that the target can be met at all below which no more labels are asked for, and the doubtful one.
_GIVE_UP, _DOUBTFUL = 0.1, 0.5
#: Probability beyond which a strategy is sure to meet the target.
_SURE = 0.99
#: Change of the log mean by the controls beyond which the labels are called calmer or wilder than their pool.
_UNLIKE_POOL = 0.1


def decide(
    table: pd.DataFrame,
    prices: PriceList,
    *,
    target_ev_ang: float,
    confidence: float = 0.9,
    limits: Limits | None = None,
    look_core_s: Mapping[CurveKey, float] | None = None,
    prior: CurvePrior | None = None,
    law: NoiseLaw | None = None,
) -> Decision:
    """Decide from all out-of-fold errors of a purchase.

    Args:
        table: out-of-fold errors of all looks so far (`study.tables.out_of_fold`), of one order of purchase.
        prices: of the levels.
        target_ev_ang: force MAE that the model is to meet, eV/Å.
        confidence: probability with which it must.
        limits: what may be bought at most.
        look_core_s: core seconds that a look takes, by strategy; what is missing counts as a share of a label's price.
        prior: of the curves; by default the learnt one (`prior.prior_of` knows it by name).
        law: of the noise.

    Raises:
        InputError: the target is not positive, the confidence not between .5 and .99, or there is nothing to go by.
    """
    wish = Wish(target_ev_ang, confidence)
    looks = looks_of(table)
    owned = next(iter(looks.values())).newest
    each = {key: label_cpu_s(key, owned, prices) for key in looks}
    costs = Costs(max(each.values()), look_core_s or {}, each if any(key.cheap_level for key in looks) else {})
    decision = decide_from(looks, wish, limits or Limits(), costs, prior or learnt_prior(), law or NoiseLaw())
    shift = control_shift(table)
    unlike = {Caveat.CALM_LABELS: shift > _UNLIKE_POOL, Caveat.WILD_LABELS: shift < -_UNLIKE_POOL}
    return replace(decision, caveats=(*those_that_hold(unlike), *decision.caveats))


def decide_from(
    looks: Mapping[CurveKey, Looks], wish: Wish, limits: Limits, costs: Costs, prior: CurvePrior, law: NoiseLaw
) -> Decision:
    """Decide from the looks at each strategy, all of which were scored at the labels owned."""
    keys, log_target = list(looks), math.log(wish.target_ev_ang)
    owned = looks[keys[0]].newest
    most, limited = _most(owned, limits, costs.label_cpu_s)
    n = sizes(owned, most, limits.least_batch)
    posteriors = without_selection_bias([error_posterior(own, n, prior, law) for own in looks.values()])
    meets = np.array([posterior.probability(log_target) for posterior in posteriors])
    wins = first_to_meet(at_equal_price(meets, n, [costs.label_cpu_s_of.get(k, costs.label_cpu_s) for k in keys]))
    racing = still_racing(wins)

    def standing(k: int, at: int) -> Standing:
        low, middle, high = posteriors[k].interval_ev_ang(at)
        chance, victory = float(meets[k, at]), float(wins[k])
        return Standing(keys[k], int(n[at]), middle, low, high, chance, victory, bool(racing[k]))

    # Of strategies that are sure to meet an easy target, the most accurate one: their probabilities differ by rounding.
    now = [standing(k, 0) for k in range(len(keys))]
    standings = tuple(sorted(now, key=lambda own: (-min(own.probability, _SURE), own.error_ev_ang)))
    farthest = standing(int(np.argmax(meets[:, -1])), len(n) - 1)
    out_of_reach = owned >= most or meets.max() < _GIVE_UP
    enough = standings[0].probability >= wish.confidence
    action: Action = "stop" if enough else "cannot" if out_of_reach else "buy"
    n_next, expected = owned, 0.0
    if action == "buy":
        stops = stop_probability(list(compress(posteriors, racing)), log_target, wish.confidence)
        n_next, expected = cheapest_next(n, stops, costs.label_cpu_s, costs.look(compress(keys, racing)))
    conditions = {
        Caveat.TARGET_DOUBTFUL: action == "buy" and meets.max() < _DOUBTFUL,
        Caveat.LIMIT_REACHED: action == "cannot" and owned >= most and limited,
    }
    return Decision(
        action=action,
        n_labels=owned,
        n_next=n_next,
        target_ev_ang=wish.target_ev_ang,
        confidence=wish.confidence,
        standings=standings,
        farthest=farthest,
        expected_cpu_s=expected,
        caveats=those_that_hold(conditions),
    )


def _most(owned: int, limits: Limits, label_cpu_s: float) -> tuple[int, bool]:
    """The most labels that are considered, and whether the user has set a limit."""
    allowed = [] if limits.most_labels is None else [limits.most_labels]
    if limits.most_cpu_s is not None and label_cpu_s > 0:
        allowed.append(owned + math.floor(limits.most_cpu_s / label_cpu_s))
    return max(min([farthest_labels(owned), *allowed]), owned), bool(allowed)


def farthest_labels(owned: int) -> int:
    """The most labels that are considered where nothing limits them."""
    return max(_HORIZON * owned, _LEAST_HORIZON)


def label_cpu_s(key: CurveKey, owned: int, prices: PriceList) -> float:
    """Price of one more accurate label, with the cheap label at its geometry where the strategy needs one."""
    entry = strategy_of(key.strategy)
    more, now = (sum(prices.cpu_s(entry.counts(n, key.lower))) for n in (owned + 1, owned))
    return more - now
