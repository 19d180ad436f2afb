"""What a curve can promise: the posterior of the number of accurate labels with which ONE NEW RUN meets a target.

A user makes one run, so the promise is about a new run (noise between seeds and a new data draw included), not about
the mean curve. The test set's own sampling error shifts the whole curve. Four cases:
- the power law fits: promised up to `EXTRAPOLATION_LIMIT` times the largest budget;
- the gate refused it and a budget effect explains the misfit: the same fit, which carries that effect as noise, up to
  the largest budget only;
- the gate refused it and nothing explains the misfit (the curve bends), or there are too few budgets to fit: only the
  budgets that were run, each judged by its own seeds (predictive Student t, noise pooled over budgets), without
  interpolation, because nothing covers a bent curve;
- no accurate labels (`cheap_only`): the same at budget 0.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, ndtri

from analysis.caveats import Caveat
from analysis.curves.power_law import (
    N_DRAWS,
    NOISE_SCALE,
    NOISE_SHAPE,
    LabelsNeeded,
    PowerLawFit,
    fit_replicates,
    labels_for_target,
    strata,
)
from analysis.curves.replicates import MIN_BUDGETS, replicates, summarise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.curves.curves import Curve

#: No promise beyond this multiple of the largest budget that was run.
EXTRAPOLATION_LIMIT = 4.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one curve.

    Attributes:
        curve: its runs.
        fit: the power law; None where it must not be used (a bent curve, too few budgets, no accurate labels).
        lack_of_fit_p: the gate's probability, kept where the fit was refused; None where there was no test.
        limit: largest number of accurate labels that may be promised.
        status: caveats of the curve and of the fit; `too_few_budgets` and `sampled_budgets_only` are added here.
    """

    curve: Curve
    fit: PowerLawFit | None
    lack_of_fit_p: float | None
    limit: float
    status: tuple[Caveat, ...]


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
        fit = fit_replicates(curve.summary, seed=seed)
    else:
        fit = _fit(curve.budget.tobytes(), curve.error_ev_ang.tobytes(), curve.seed.tobytes(), seed)
    status = (*curve.status, *fit.status)
    if fit.lack_of_fit.cause is Caveat.BENT_CURVE:
        return Evidence(curve, None, fit.lack_of_fit_p, largest, (*status, Caveat.SAMPLED_BUDGETS_ONLY))
    limit = largest if fit.lack_of_fit.rejected else EXTRAPOLATION_LIMIT * largest
    return Evidence(curve, fit, fit.lack_of_fit_p, limit, status)


@functools.lru_cache(maxsize=256)
def _fit(budget: bytes, error: bytes, run_seed: bytes, seed: int) -> PowerLawFit:
    """A figure, a plan and a report of one table ask for the same fits, which cost more than remembering them."""
    numbers = np.frombuffer(budget, np.int64), np.frombuffer(error, np.float64), np.frombuffer(run_seed, np.int64)
    return fit_replicates(replicates(*numbers), seed=seed)


def labels_needed(evidence: Evidence, target_ev_ang: float, *, seed: int = 0) -> LabelsNeeded:
    """Posterior of the number of accurate labels with which a new run meets the target.

    Args:
        evidence: of one curve.
        target_ev_ang: force MAE to reach, eV/Å.
        seed: of the draws where there is no fit.

    Raises:
        InputError: the target is not positive and finite.
    """
    curve = evidence.curve
    if evidence.fit is not None:
        return labels_for_target(evidence.fit, target_ev_ang, kind="new_run", test_relative_se=curve.test_relative_se)
    budgets, log_errors = sampled_run_draws(curve, seed=seed)
    met = log_errors <= np.log(target_ev_ang)
    # The same luck at every budget (one draw is one run), so the first budget met is the number of labels needed.
    first = np.where(met.any(axis=1), budgets[np.argmax(met, axis=1)], np.inf)
    return LabelsNeeded(np.sort(first), float(np.mean(np.isinf(first))))


def sampled_run_draws(curve: Curve, *, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictive draws of the log error of a new run at the budgets that were run, without a power law.

    Returns:
        Distinct budgets [k] and draws of log(force MAE in eV/Å) [S, k].
    """
    data = curve.summary or summarise(curve.budget.astype(float), curve.error_ev_ang)
    rng = np.random.default_rng(seed)
    scale = NOISE_SCALE + data.within_ss / 2
    sigma = np.sqrt(scale / gammaincinv(NOISE_SHAPE + data.within_df / 2, strata(rng)))
    run, test = ndtri(strata(rng)), ndtri(strata(rng)) * curve.test_relative_se
    spread = np.sqrt(1 + 1 / data.count)
    return data.budget, data.mean_log + (sigma * run)[:, None] * spread + test.reshape(N_DRAWS, 1)
