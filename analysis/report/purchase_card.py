"""The card of a purchase's page in which target, confidence and prices are moved: what it carries, as plain data.

The script `purchase_ways.js` answers from it as `analysis.buying.outlook.ways_to_target` does, and says from which look
on the purchase could have stopped (`analysis.buying.decide`): both rest on the posteriors of the looks alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.buying.outlook import ahead_of, chance_at_looks
from analysis.names import at_least_percent, display_level
from analysis.plan.posterior_table import PER_CENT
from analysis.report.planner_card import packed, targets_between
from asteroid.measured_errors import a_mae_in, error_unit
from study.strategies import strategy_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.buying.outlook import Ahead
    from analysis.buying.posterior import ErrorPosterior
    from analysis.buying.prior import CurvePrior
    from analysis.curves.curve_key import CurveKey
    from study.prices import PriceList

#: Targets on the slider: from this share of the smallest error ahead to this multiple of the largest one now.
_LOWEST, _HIGHEST = 0.7, 1.5


def purchase_card_data(
    looks: pd.DataFrame,
    prices: PriceList,
    target_ev_ang: float,
    confidence: float,
    force_unit: str,
    prior: CurvePrior | None = None,
) -> dict[str, Any]:
    """Everything that the card asks about, with the question that it opens with.

    Args:
        looks: out-of-fold errors of all looks of a purchase.
        prices: of the levels.
        target_ev_ang: that the card opens with, eV/Å or of energies eV.
        confidence: that it opens with.
        force_unit: of targets.
        prior: of the curves; by default the learnt one.

    Raises:
        InputError: the unit is not known, or there is nothing to go by.
    """
    scale, ahead = error_unit(force_unit), ahead_of(looks, prices, prior)
    own = float(f"{target_ev_ang / scale:.6g}")  # as it is typed for the command
    errors = {key: _errors(posterior) for key, posterior in ahead.posteriors.items()}
    low = _LOWEST * min(own[:, 1].min() for own in errors.values()) / scale
    high = _HIGHEST * max(own[:, 1].max() for own in errors.values()) / scale
    targets = targets_between(low, high, own)
    logs = np.log([value * scale for value in targets])
    accurate, cheap = (prices.levels[level].label_cpu_s for level in (prices.accurate, prices.cheap))
    return {
        "unit": force_unit,
        "error": a_mae_in(force_unit),
        "targets": targets,
        "start": {
            "target": targets.index(own),
            "confidence": round(100 * confidence),
            "accurate": accurate,
            "cheap": cheap,
        },
        "perCent": [PER_CENT[0], PER_CENT[-1]],
        "accurate": {"level": prices.accurate, "name": display_level(prices.accurate)},
        "cheap": {"level": prices.cheap, "name": display_level(prices.cheap)},
        "owned": ahead.owned,
        "most": int(ahead.n[-1]),
        "looks": [[n, [float(chance) for chance in met]] for n, met in chance_at_looks(looks, logs, prior)],
        "ways": [_way(key, ahead, logs, errors[key] / scale) for key in ahead.posteriors],
    }


def _errors(posterior: ErrorPosterior) -> NDArray[np.float64]:
    """5 % quantile, median and 95 % quantile at every number of labels, eV/Å, [T, 3]."""
    return np.array([posterior.interval_ev_ang(at) for at in range(len(posterior.n))])


def _way(key: CurveKey, ahead: Ahead, log_targets: NDArray[np.float64], errors: NDArray[np.float64]) -> dict[str, Any]:
    posterior = ahead.posteriors[key]
    confidences = np.array([per_cent / 100 for per_cent in PER_CENT])
    labels, shown = (np.zeros((len(log_targets), len(confidences)), dtype=np.int64) for _ in range(2))
    last = []
    for place, log_target in enumerate(log_targets):
        chances = posterior.probability(float(log_target))
        enough = chances >= confidences[:, None]
        at = np.argmax(enough, axis=1)
        labels[place] = np.where(enough.any(axis=1), ahead.n[at], 0)
        shown[place] = [at_least_percent(float(chance)) for chance in chances[at]]
        last.append(float(chances[-1]))
    counts = strategy_of(key.strategy).counts(ahead.owned + 1, key.lower)
    before = strategy_of(key.strategy).counts(ahead.owned, key.lower)
    level = ahead.prices.level_of(key.lower)
    with_each = counts.cheap_labels - before.cheap_labels
    return {
        "label": key.label(),
        # Of several cheap levels one price may be moved.
        "cheap": with_each if level == ahead.prices.cheap else 0,
        "fixed": 0 if level == ahead.prices.cheap else with_each * ahead.prices.levels[level].label_cpu_s,
        "n": packed(labels, 16),  # 0: none
        "shown": packed(shown, 8),
        "last": last,
        "lastShown": [at_least_percent(chance) for chance in last],
        "errors": [f"{middle:.3g} [{low:.3g}, {high:.3g}]" for low, middle, high in errors.tolist()],
    }
