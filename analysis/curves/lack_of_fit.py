"""The gate: may this curve be extrapolated? A lack-of-fit F test of the power law against the noise between seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import fdtrc

from analysis.caveats import Caveat
from analysis.curves.noise import contrasts
from analysis.curves.power_law_shape import fit_pow3, log_shape

if TYPE_CHECKING:
    from analysis.curves.replicates import Replicates

#: Reject below this probability, where the misfit is larger than this (relative): what is smaller matters to nobody.
LEVEL, MATTERS = 0.05, 0.05
#: Seed noise is taken as at least this (relative): a smaller misfit matters to nobody and may be rounding.
MIN_SEED_SD = 1e-3


@dataclass(frozen=True)
class LackOfFit:
    """Result of the test.

    Attributes:
        p: probability of so large a misfit from seed noise alone; None where each budget has one seed only.
        f: the F ratio, misfit between budgets over noise between seeds; None likewise.
        df: degrees of freedom of the misfit (budgets - 3) and of the noise (errors - budgets, less the seeds' own).
        seed_sd: standard deviation between seeds, relative, less what all runs of a seed share; None likewise.
        misfit_rms: relative root-mean-square distance between the budgets' means and the best power law.
        cause: why the test rejected: BUDGET_EFFECT where the fitted budget effect tau explains the misfit (all seeds of
            a budget share a good or a bad draw), BENT_CURVE where not even that does; None: not rejected.
    """

    p: float | None
    f: float | None
    df: tuple[int, float]
    seed_sd: float | None
    misfit_rms: float
    cause: Caveat | None = None

    @property
    def rejected(self) -> bool:
        """True where the power law misses the data by more than noise, and by an amount that matters."""
        return self.p is not None and self.p < LEVEL and self.misfit_rms > MATTERS


def lack_of_fit(data: Replicates, *, fall: float = 0.0) -> LackOfFit:
    """F test of pow3 (3 parameters, least squares in log) against the pure error between seeds.

    Where the same seeds were run at the budgets, what a seed gains or loses at all budgets alike is taken out of both
    sides: it would hide a bend in noise that does not blur the bend.

    Source: N. R. Draper and H. Smith, Applied Regression Analysis, section "lack of fit and pure error".

    Raises:
        InputError: fewer than four distinct budgets.
    """
    left = contrasts(data, fall=fall)
    best = fit_pow3(data, left)
    misfit_ss = best.misfit_ss
    df = (len(data.budget) - 3, left.noise_df)
    rest = left.mean - log_shape(data.ratio, best.alpha, best.phi)
    misfit_rms = float(np.std(rest))
    if left.noise_df < 0.5:
        return LackOfFit(None, None, df, None, misfit_rms)
    seed_variance = left.noise_ss / df[1]
    f = misfit_ss / df[0] / max(seed_variance, MIN_SEED_SD**2)
    return LackOfFit(float(fdtrc(*df, f)), float(f), df, float(np.sqrt(seed_variance)), misfit_rms)


def with_cause(test: LackOfFit, data: Replicates, variance_ratio: float) -> LackOfFit:
    """Name the cause of a rejection, given the fitted budget effect.

    A budget effect of variance ratio lambda = tau^2/sigma^2 raises the expected misfit by 1 + n lambda (n seeds a
    budget), so the test is repeated with F divided by that. Six budgets cannot tell a slight bend from a budget effect;
    the cause is a reading aid, and neither is extrapolated.

    Args:
        test: the test as `lack_of_fit` returns it.
        data: the same replicates.
        variance_ratio: fitted lambda.
    """
    if not test.rejected or test.f is None:
        return test
    seeds = len(data.count) / float(np.sum(1 / data.count))
    p = float(fdtrc(*test.df, test.f / (1 + seeds * variance_ratio)))
    return replace(test, cause=Caveat.BUDGET_EFFECT if p >= LEVEL else Caveat.BENT_CURVE)
