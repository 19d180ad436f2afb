"""Several strategies on the same labels: what choosing the best of them costs, and which can no longer win.

The best of K estimates is the best partly by chance. The log errors e_k of the strategies are taken as draws about a
common mean with spread tau, so each estimate is pulled to the mean by the share of its own noise,

    e_k + v_k / (v_k + tau^2) (mean - e_k),    v_k = (1 - shared) sd_k^2,

where `shared` is what the strategies have in common (they are scored on the same frames), an assumption. It is enough
for frames that scatter as measured ones do, and not enough for four strategies where they scatter twice as much
(`benchmarks/buying_simulated.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.buying.posterior import ErrorPosterior

#: Correlation of a frame's relative errors between two strategies: assumed, not measured.
_SHARED = 0.5
#: Spread of the log errors of strategies before they are seen, and what this guess counts for, in strategies.
_SPREAD, _SPREAD_WORTH = 0.4, 2.0
#: A strategy that is the first to meet the target with less than this probability is left out of further rounds.
_LEAST_CHANCE = 0.03


def without_selection_bias(posteriors: Sequence[ErrorPosterior]) -> list[ErrorPosterior]:
    """The posteriors, each pulled to their common mean by its own noise at the labels owned (the first place)."""
    if len(posteriors) < 2:
        return list(posteriors)
    moments = np.array([[value[0] for value in posterior.moments()] for posterior in posteriors])
    mean, own = moments[:, 0], (1 - _SHARED) * moments[:, 1] ** 2
    weight = 1 / (own + _SPREAD**2)
    centre = float(weight @ mean / weight.sum())
    excess = float(((mean - centre) ** 2 - own).sum())
    variance = max((_SPREAD_WORTH * _SPREAD**2 + excess) / (_SPREAD_WORTH + len(mean) - 1), 0.01**2)
    pull = own / (own + variance) * (centre - mean)
    return [posterior.shifted(float(by)) for posterior, by in zip(posteriors, pull, strict=True)]


def at_equal_price(
    meets: NDArray[np.float64], n: NDArray[np.float64], label_cpu_s: Sequence[float]
) -> NDArray[np.float64]:
    """P(the target is met) for the price of n labels of the dearest strategy, [K, T]: others have more for it.

    Args:
        meets: P(the target is met with n labels), [K, T].
        n: numbers of labels, those owned first, [T].
        label_cpu_s: price of one more label of each strategy, the cheap label at its geometry included, K values.
    """
    dearest = max(label_cpu_s)
    if min(label_cpu_s) in (dearest, 0):
        return meets
    more = (n - n[0]) * dearest
    rows = (np.interp(n[0] + more / own, n, chances) for chances, own in zip(meets, label_cpu_s, strict=True))
    return np.array(list(rows))


def first_to_meet(meets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of each strategy to be the first that meets the target, as if they were independent.

    Args:
        meets: P(the target is met with n labels) for increasing n, [K, T].

    Returns:
        [K]; the rest to 1 is that none of them does.
    """
    rising = np.maximum.accumulate(meets, axis=1)
    steps = np.diff(rising, axis=1, prepend=0.0)
    others = np.array([np.prod(np.delete(1 - rising + steps / 2, k, axis=0), axis=0) for k in range(len(meets))])
    return np.asarray((steps * others).sum(axis=1))


def still_racing(first: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which strategies go on, [K]: those that may still be the first, and always the likeliest."""
    share = first / max(float(first.sum()), 1e-12)
    return np.asarray((share >= _LEAST_CHANCE) | (first == first.max()))
