"""What is known of a curve: the posterior of the number of accurate labels with which ONE NEW RUN meets a target.

A user makes one run, so the answer is about a new run (noise between seeds and a new data draw included), not about
the mean curve. The test set's own sampling error shifts the whole curve. Five cases:
- the power law fits: it speaks of up to `EXTRAPOLATION_LIMIT` times the largest budget;
- the power law misses the runs by an amount that matters (a bent curve, or budgets with effects of their own): the same
  fit, whose bend and budget effects widen it, of up to `DOUBTFUL_LIMIT` times the largest budget;
- it misses them, and fitted without the largest budget it misses that one as well: nothing covers this curve, and only
  the budgets that were run are considered, each judged by its own seeds (predictive Student t, noise pooled over
  budgets), without interpolation;
- too few budgets to fit: the same;
- no accurate labels (`cheap_only`): the same at budget 0.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, ndtri

from analysis.caveats import Caveat
from analysis.curves.noise_law import FALL, noise_scale, scatter_of_summary
from analysis.curves.posterior import N_DRAWS, NOISE_SHAPE, Prior, prior_of_means, prior_of_runs, strata
from analysis.curves.power_law import (
    FARTHEST,
    LabelsNeeded,
    PowerLawFit,
    fit_replicates,
    labels_for_target,
    log_error_draws,
    log_errors_of_kinds,
    probabilities_of_never,
)
from analysis.curves.replicates import MIN_BUDGETS, Replicates, replicates, summarise, without_largest
from analysis.curves.shrinkage import shrinkages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from analysis.curves.curves import Curve
    from analysis.curves.lack_of_fit import LackOfFit
    from analysis.curves.power_law import Kind
    from analysis.curves.shrinkage import Shrinkage

#: No answer beyond this multiple of the largest budget that was run; nor beyond that where the power law is in doubt.
EXTRAPOLATION_LIMIT, DOUBTFUL_LIMIT = FARTHEST, 2.0
#: A held-out budget whose mean has less than this probability on its side of the forecast is missed.
_MISSED = 0.005
#: Numbers of labels between which a target is looked for, and at which curves are compared with each other.
_STEPS, _PLACES = 160, 8


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one curve.

    Attributes:
        curve: its runs.
        fit: the power law; None where it must not be used (nothing covers the curve, too few budgets, no accurate
            labels).
        lack_of_fit: the test of the power law, kept where the fit must not be used; None where there was no fit.
        limit: largest number of accurate labels that may be promised.
        status: caveats of the curve and of the fit; `too_few_budgets` and `sampled_budgets_only` are added here.
        shrinkage: how the curves that it competes with change it; None: it stands alone.
    """

    curve: Curve
    fit: PowerLawFit | None
    lack_of_fit: LackOfFit | None
    limit: float
    status: tuple[Caveat, ...]
    shrinkage: Shrinkage | None = None

    @property
    def lack_of_fit_p(self) -> float | None:
        """Probability of so large a misfit from noise alone; None where there was no test."""
        return self.lack_of_fit.p if self.lack_of_fit else None

    @property
    def misfit_rms(self) -> float | None:
        """Relative distance between the budgets' means and the best power law; None where there was no fit."""
        return self.lack_of_fit.misfit_rms if self.lack_of_fit else None


def evidence_of(curve: Curve, *, seed: int = 0) -> Evidence:
    """Fit a curve where that is allowed.

    Args:
        curve: one curve.
        seed: of the posterior draws.
    """
    largest = float(curve.budget.max())
    if curve.horizontal:
        own = (Caveat.ONE_SEED,) if len(curve.budget) == 1 else ()
        return Evidence(curve, None, None, 0.0, (*curve.status, *own))
    if len(np.unique(curve.budget)) < MIN_BUDGETS:
        status = (*curve.status, Caveat.TOO_FEW_BUDGETS, Caveat.SAMPLED_BUDGETS_ONLY)
        return Evidence(curve, None, None, largest, status)
    if curve.summary is not None:
        fit = fit_replicates(curve.summary, seed=seed, prior=_prior(curve))
        missed = _misses_largest(fit, curve.summary, _prior(curve), seed)
    else:
        fit, missed = _fit(
            curve.budget.tobytes(),
            curve.error_ev_ang.tobytes(),
            curve.seed.tobytes(),
            _prior(curve).fall_weight.tobytes(),
            seed,
        )
    status = (*curve.status, *fit.status)
    if missed:
        lost = (Caveat.BUDGET_MISSED, Caveat.SAMPLED_BUDGETS_ONLY)
        return Evidence(curve, None, fit.lack_of_fit, largest, (*status, *lost))
    limit = (DOUBTFUL_LIMIT if fit.lack_of_fit.rejected else EXTRAPOLATION_LIMIT) * largest
    return Evidence(curve, fit, fit.lack_of_fit, limit, status)


@functools.lru_cache(maxsize=256)
def _fit(budget: bytes, error: bytes, run_seed: bytes, fall_weight: bytes, seed: int) -> tuple[PowerLawFit, bool]:
    """A figure, a plan and a report of one table ask for the same fits, which cost more than remembering them."""
    numbers = np.frombuffer(budget, np.int64), np.frombuffer(error, np.float64), np.frombuffer(run_seed, np.int64)
    fall = np.frombuffer(fall_weight, np.float64)
    data, prior = replicates(*numbers, fall), prior_of_runs(fall)
    fit = fit_replicates(data, seed=seed, prior=prior)
    return fit, _misses_largest(fit, data, prior, seed)


def _misses_largest(fit: PowerLawFit, data: Replicates, prior: Prior, seed: int) -> bool:
    """Whether a doubtful curve, fitted without its largest budget, misses the mean of that budget."""
    if not fit.lack_of_fit.rejected or len(data.budget) <= MIN_BUDGETS:
        return False
    rest = without_largest(data)
    part = fit_replicates(rest, seed=seed, prior=prior)
    draws = log_error_draws(part, data.budget[-1], kind="new_data_draw")[:, 0]
    mean = np.random.default_rng(seed).normal(size=N_DRAWS) * np.hypot(part.sigma, part.omega)
    below = float(np.mean(draws + mean / np.sqrt(data.count[-1]) < data.mean_log[-1]))
    return min(below, 1 - below) < _MISSED


def _prior(curve: Curve) -> Prior:
    return (prior_of_runs if curve.summary is None else prior_of_means)(curve.fall_weight)


def labels_needed(evidence: Evidence, target_ev_ang: float, *, seed: int = 0) -> LabelsNeeded:
    """Posterior of the number of accurate labels with which a new run meets the target.

    Args:
        evidence: of one curve.
        target_ev_ang: force MAE to reach, eV/Å.
        seed: of the draws where there is no fit.

    Raises:
        InputError: the target is not positive and finite.
    """
    return next(labels_needed_for_each(evidence, [target_ev_ang], seed=seed))


def labels_needed_for_each(
    evidence: Evidence, targets_ev_ang: Iterable[float], *, seed: int = 0
) -> Iterator[LabelsNeeded]:
    """The same for rising targets, one after the other; the curve is drawn once.

    Raises:
        InputError: a target is not positive and finite.
    """
    curve, fit = evidence.curve, evidence.fit
    if fit is not None and evidence.shrinkage is not None:
        yield from _needed_beside_others(evidence, fit, targets_ev_ang)
    elif fit is not None:
        for target in targets_ev_ang:
            yield labels_for_target(fit, target, kind="new_run", test_relative_se=curve.test_relative_se)
    else:
        budgets, log_errors = sampled_run_draws(curve, seed=seed)
        for target in targets_ev_ang:
            met = log_errors <= np.log(target)
            # The same noise at every budget (one draw is one run): the first budget met is the number of labels needed.
            first = np.where(met.any(axis=1), budgets[np.argmax(met, axis=1)], np.inf)
            yield LabelsNeeded(np.sort(first), float(np.mean(np.isinf(first))))


def _needed_beside_others(
    evidence: Evidence, fit: PowerLawFit, targets_ev_ang: Iterable[float]
) -> Iterator[LabelsNeeded]:
    """The same where other curves have a say, between the smallest budget and the limit."""
    grid = np.geomspace(float(evidence.curve.budget.min()), evidence.limit, _STEPS)
    draws = fitted_draws(evidence, grid, kind="new_test_set")
    targets = np.fromiter(targets_ev_ang, dtype=float)
    wanted = np.log(targets)
    missed = _steps_above(draws, wanted)
    # The last step from above a target to below it.
    at = np.clip(missed - 1, 0, _STEPS - 2)
    high, low = (np.take_along_axis(draws, place, axis=1) - wanted for place in (at, at + 1))
    with np.errstate(all="ignore"):
        needed = grid[at] * (grid[1] / grid[0]) ** (high / (high - low))
    needed = np.where(missed > 0, np.where(missed == _STEPS, np.inf, needed), grid[0])
    never = probabilities_of_never(fit, targets, test_relative_se=evidence.curve.test_relative_se)
    for own, p_never in zip(np.sort(needed.T.copy(), axis=1), never, strict=True):
        yield LabelsNeeded(own, float(p_never))


def _steps_above(draws: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """One more than the last place of each draw that lies above each target, 0 where none does, [S, T].

    Args:
        draws: [S, m].
        wanted: rising, [T].
    """
    # The largest error from a place on falls along a draw, so what lies above a target comes first and can be counted.
    ahead = np.maximum.accumulate(draws[:, ::-1], axis=1)[:, ::-1]
    passed = np.searchsorted(wanted, ahead)  # targets below it
    size = len(wanted) + 1
    counts = np.bincount((passed + np.arange(len(draws))[:, None] * size).ravel(), minlength=len(draws) * size)
    return np.asarray(draws.shape[1] - np.cumsum(counts.reshape(-1, size), axis=1)[:, :-1])


def seen_together(known: Sequence[Evidence]) -> list[Evidence]:
    """Curves that compete for one choice, each changed by the others: the best of many looks better than it is."""
    fits = [evidence.fit for evidence in known if evidence.fit is not None]
    if len(fits) < 2:
        return list(known)
    limit = max(evidence.limit for evidence in known)
    budget = np.geomspace(min(fit.smallest_budget for fit in fits), limit, _PLACES)
    changes = iter(shrinkages(budget, [log_error_draws(fit, budget) for fit in fits]))
    return [evidence if evidence.fit is None else replace(evidence, shrinkage=next(changes)) for evidence in known]


def sampled_run_draws(curve: Curve, *, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictive draws of the log error of a new run at the budgets that were run, without a power law.

    Returns:
        Distinct budgets [k] and draws of log(force MAE in eV/Å) [S, k].
    """
    prior = _prior(curve)
    data = curve.summary or summarise(curve.budget.astype(float), curve.error_ev_ang, fall_weight=curve.fall_weight)
    rng = np.random.default_rng(seed)
    scatter = scatter_of_summary(data.budget, data.count, data.within_ss, prior.variance)
    fall = np.array([scatter.posterior(prior.fall_weight) @ FALL])
    scale = noise_scale(data.budget, data.count, fall)[0]
    spread = scale * np.sqrt(1 + 1 / data.count)
    inside = prior.variance + (data.within_ss / scale**2).sum() / 2
    sigma = np.sqrt(inside / gammaincinv(NOISE_SHAPE + data.within_df / 2, strata(rng)))
    run, test = ndtri(strata(rng)), ndtri(strata(rng)) * curve.test_relative_se
    return data.budget, data.mean_log + (sigma * run)[:, None] * spread + test.reshape(N_DRAWS, 1)


def new_run_draws(evidence: Evidence, n: int, *, seed: int = 0) -> NDArray[np.float64]:
    """Draws of log(force MAE in eV/Å) of one new run with n labels, measured on another test set, [S].

    Args:
        evidence: of one curve.
        n: accurate labels; without a fit, one of the budgets that were run.
        seed: of the draws where there is no fit.
    """
    if evidence.fit is not None:
        return fitted_draws(evidence, [n], kind="new_test_set")[:, 0]
    budgets, draws = sampled_run_draws(evidence.curve, seed=seed)
    return np.asarray(draws[:, int(np.argmax(budgets == n))])


def fitted_draws(evidence: Evidence, budget: ArrayLike, *, kind: Kind = "curve") -> NDArray[np.float64]:
    """Draws of log(force MAE in eV/Å) of a curve with a fit, as the others change it, [S, m].

    Args:
        evidence: of one curve.
        budget: accurate labels, [m].
        kind: what they are of, see `power_law.predict`.
    """
    assert evidence.fit is not None
    test = evidence.curve.test_relative_se
    if evidence.shrinkage is None:
        return log_error_draws(evidence.fit, budget, kind=kind, test_relative_se=test)
    draws, curve = log_errors_of_kinds(evidence.fit, budget, (kind, "curve"), test_relative_se=test)
    return np.asarray(draws + evidence.shrinkage.change(budget, curve))


def most_labels(evidence: Evidence, n: float) -> int | None:
    """The most of n accurate labels that a curve speaks about: None where it needs more than n."""
    budgets = evidence.curve.budget
    if n < budgets.min():
        return None
    return int(min(n, evidence.limit)) if evidence.fit is not None else int(budgets[budgets <= n].max())
