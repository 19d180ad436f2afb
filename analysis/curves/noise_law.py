"""How the noise between runs falls with the number of labels, learned from all curves of a sweep together.

The standard deviation of the log error of a run falls as g(N) = (N / N_mid)^-q, N_mid the geometric mean of the budgets
of its curve. What tells q is the scatter of runs about the mean of their own budget, whatever the curve looks like. One
curve of six budgets and three seeds knows q to about .2 only, so the curves of a sweep share it: a curve takes from the
others the product of their likelihoods, blurred because curves need not agree exactly. Where nothing is known, most of
the prior lies on small q, a noise that hardly falls.

Some runs fail: a share `FAILED` scatters `FAILED_WIDTH` times as wide as the rest. A run far from the others of its
budget counts with the weight that this mixture of two normals gives it (expectation-maximisation; D. Peel and G. J.
McLachlan, Statistics and Computing 10 (2000) 339, with t distributions), so that it widens nothing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Exponents q considered, and their prior weights: constant noise unless the data say otherwise.
FALL = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.3])
FALL_WEIGHT = np.array([0.7, 0.13, 0.08, 0.05, 0.03, 0.01])
#: How far the exponents of two curves of one sweep differ, standard deviation; and what one curve's likelihood counts
#: for the others: curves share labels by seed, and so do the budgets of a seed, hence their scatter is not independent.
_CURVES_DIFFER, _COUNTS = 0.15, 0.6
#: Variance of a run where runs themselves say nothing, and the degrees of freedom that it counts for.
TYPICAL_VARIANCE, TYPICAL_DF = 0.01, 1.0
#: Share of failed runs, and how much wider they scatter.
FAILED, FAILED_WIDTH = 0.02, 8.0
_ROUNDS = 25


@dataclass(frozen=True, eq=False)
class Scatter:
    """What the scatter of runs within their budgets says, for every exponent of `FALL`.

    Attributes:
        log_likelihood: [Q].
        variance: of a run at the geometric mean of the budgets, failed runs left out, [Q].
        weight: of every run, 1 where it is like the others, [Q, n]; no columns where single runs are not known.
    """

    log_likelihood: NDArray[np.float64]
    variance: NDArray[np.float64]
    weight: NDArray[np.float64]

    def posterior(self, fall_weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of the exponents, [Q], given what other curves say (or the prior)."""
        weight = fall_weight * np.exp(self.log_likelihood - self.log_likelihood.max())
        return np.asarray(weight / weight.sum())


def noise_scale(
    budget: NDArray[np.float64], count: NDArray[np.float64], fall: NDArray[np.float64] = FALL
) -> NDArray[np.float64]:
    """Standard deviation of a run over that at the geometric mean of the budgets of all runs, [Q, k].

    A budget of 0 (no accurate labels) is alone on its curve and has the scale 1.
    """
    logs = np.log(np.maximum(budget, 1.0))
    return np.asarray(np.exp(-fall[:, None] * (logs - np.average(logs, weights=count))))


def scatter_of_summary(
    budget: NDArray[np.float64],
    count: NDArray[np.float64],
    within_ss: NDArray[np.float64],
    typical_variance: float = TYPICAL_VARIANCE,
) -> Scatter:
    """The scatter that sums of squares within budgets tell, [k] each, without single runs."""
    scale = noise_scale(budget, count)
    inside, df = (within_ss / scale**2).sum(axis=1), np.full(len(FALL), (count - 1).sum())
    return _scatter(inside, df, np.log(scale) @ (count - 1), np.ones((len(FALL), 0)), typical_variance)


def scatter_of_runs(budget: NDArray[np.float64], log_error: NDArray[np.float64]) -> Scatter:
    """The scatter of single runs [n] about the means of their budgets, failed ones told from the rest."""
    return _scatter_of_runs(*(np.asarray(column, dtype=np.float64).tobytes() for column in (budget, log_error)))


@functools.lru_cache(maxsize=64)
def _scatter_of_runs(budget_bytes: bytes, log_error_bytes: bytes) -> Scatter:
    """Curves ask for it to tell each other of it, and again when they are fitted."""
    budget, log_error = np.frombuffer(budget_bytes), np.frombuffer(log_error_bytes)
    distinct, group, count = np.unique(budget, return_inverse=True, return_counts=True)
    cell = (np.arange(len(FALL))[:, None] * len(distinct) + group).ravel()  # of an exponent and a budget
    shape = len(FALL), len(distinct)
    scale = noise_scale(distinct, count.astype(float))[:, group]
    scaled = log_error / scale
    # Of two runs the one with the larger error is the likelier failure.
    runs = np.split(log_error[np.argsort(group, kind="stable")], np.cumsum(count)[:-1])
    start = np.array([np.median(own) if len(own) > 2 else own.min() for own in runs])[group]
    mean = start / scale
    off = np.where((count[group] > 1) & (log_error != start), np.abs(scaled - mean), np.nan)
    known = np.isfinite(off).any()
    variance = np.nanmedian(off, axis=1) ** 2 + 1e-8 if known else np.full(len(FALL), TYPICAL_VARIANCE)
    # A run that is left out does not pull the mean of its budget: its own share of the mean is taken into account.
    alone = np.where(count > 1, 1 - 1 / count, 0.0)[group]
    odds, narrower = np.log(FAILED / (1 - FAILED) / FAILED_WIDTH), 1 - FAILED_WIDTH**-2
    for _ in range(_ROUNDS):
        squared = alone * (scaled - mean) ** 2 / variance[:, None]
        failed = np.where(alone > 0, 1 / (1 + np.exp(-np.clip(odds + 0.5 * squared * narrower, -30, 30))), 0.0)
        weight = 1 - failed * narrower
        of_budget, weights = (np.bincount(cell, own.ravel()).reshape(shape) for own in (weight * scaled, weight))
        mean = (of_budget / weights)[:, group]
        inside = (weight * (scaled - mean) ** 2).sum(axis=1)
        df = np.maximum((1 - failed).sum(axis=1) - len(distinct), 0.0)
        variance = (TYPICAL_VARIANCE * 0.1 + inside) / (0.1 + df)
    regular = np.clip(failed, 1e-12, 1 - 1e-12)
    mixture = regular * np.log(FAILED / FAILED_WIDTH / regular) + (1 - regular) * np.log((1 - FAILED) / (1 - regular))
    weight.flags.writeable = False
    found = _scatter(inside, df, (alone * np.log(scale)).sum(axis=1), weight)
    return Scatter(found.log_likelihood + (mixture * (alone > 0)).sum(axis=1), found.variance, weight)


def shared_fall(scatters: Sequence[Scatter]) -> list[NDArray[np.float64]]:
    """Probabilities of the exponents of each curve as the OTHER curves of its sweep tell them, [Q] each."""
    blur = np.exp(-0.5 * ((FALL[:, None] - FALL) / _CURVES_DIFFER) ** 2)
    blur /= blur.sum(axis=1, keepdims=True)
    seen = [_COUNTS * np.log(blur @ np.exp(own.log_likelihood - own.log_likelihood.max())) for own in scatters]
    found = []
    for own in seen:
        others = np.sum(seen, axis=0) - own
        weight = blur.T @ (FALL_WEIGHT * np.exp(others - others.max())) if len(seen) > 1 else FALL_WEIGHT
        found.append(weight / weight.sum())
    return found


def _scatter(
    inside: NDArray[np.float64],
    df: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    weight: NDArray[np.float64],
    typical_variance: float = TYPICAL_VARIANCE,
) -> Scatter:
    """The variance integrated over InvGamma(1/2, typical / 2), so that a wrong guess costs little."""
    prior = typical_variance * TYPICAL_DF
    log_likelihood = -jacobian - (TYPICAL_DF + df) / 2 * np.log((prior + inside) / 2)
    return Scatter(log_likelihood, (prior + inside) / (TYPICAL_DF + df), weight)
