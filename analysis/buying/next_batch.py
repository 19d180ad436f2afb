"""How many labels to buy before the next look: the number that makes the expected total cost smallest.

With F(m) the probability that a look at m labels will say stop, S = 1 - F, p the price of a label and c of a look,

    V(m_i) = min_{j > i}  p (m_j - m_i) + c + S(m_j) / S(m_i) V(m_j),    V(last) = 0,

from the last number back to the labels owned. A look says stop when the mean of its posterior lies z standard
deviations under the target. The mean at m is known today up to its own future step, so

    F(m) = Phi((target - z left(m) - mean(m)) / seen(m)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.buying.posterior import ErrorPosterior

#: Numbers of labels that are considered.
_N_SIZES = 30
#: The smallest batch, as labels and as a share of those owned.
_LEAST, _LEAST_SHARE = 2, 0.04


def sizes(owned: int, most: int, least_batch: int = 1) -> NDArray[np.float64]:
    """Numbers of labels to consider, increasing, the owned first and `most` last (if it is larger), [T]."""
    step = max(_LEAST, least_batch, round(_LEAST_SHARE * owned))
    if most <= owned:
        return np.array([float(owned)])
    first = min(owned + step, most)
    # Steps that grow from the smallest batch on.
    grown = first + (most - first) * (np.geomspace(1, 20, _N_SIZES) - 1) / 19
    return np.unique(np.concatenate([[owned, first], np.rint(grown)])).astype(float)


def stop_probability(posteriors: Sequence[ErrorPosterior], log_target: float, confidence: float) -> NDArray[np.float64]:
    """Probability that a look at n labels will say stop for any strategy, for all n considered, [T]."""
    z = ndtri(confidence)
    found = []
    for posterior in posteriors:
        mean, _ = posterior.moments()
        found.append(ndtr((log_target - z * posterior.left_sd - mean) / np.maximum(posterior.seen_sd, 1e-9)))
    stops = np.max(found, axis=0)
    stops[0] = 0.0
    return np.asarray(np.maximum.accumulate(stops))


def cheapest_next(
    n: NDArray[np.float64], stops: NDArray[np.float64], label_cpu_s: float, look_cpu_s: float
) -> tuple[int, float]:
    """Labels to own at the next look, and the expected cost from now to the end, CPU seconds.

    Args:
        n: numbers of labels, the owned first, [T] with at least two.
        stops: probability that a look at n says stop, increasing, [T].
        label_cpu_s: price of one more label.
        look_cpu_s: price of one look.
    """
    goes_on = np.maximum(1 - stops, 1e-9)
    value, choice = np.zeros(len(n)), np.zeros(len(n), dtype=np.int64)
    for i in range(len(n) - 2, -1, -1):
        cost = label_cpu_s * (n[i + 1 :] - n[i]) + look_cpu_s + goes_on[i + 1 :] / goes_on[i] * value[i + 1 :]
        choice[i] = i + 1 + int(np.argmin(cost))
        value[i] = cost[choice[i] - i - 1]
    return int(n[choice[0]]), float(value[0])
