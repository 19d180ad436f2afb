"""The curve itself: a power law with a floor, and its least-squares point fit in log space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.curves.bounded_fits import fit_all
from analysis.curves.noise import contrasts
from analysis.curves.replicates import require_budgets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from analysis.curves.noise import Contrasts
    from analysis.curves.replicates import Replicates

#: Range of slopes considered; published slopes of force errors run from about .05 to 1.
ALPHA_MIN, ALPHA_MAX = 0.02, 5.0
#: Where the search for the least squares starts from: the best nodes of this grid without and with a floor.
_START_ALPHA, _START_PHI = np.geomspace(ALPHA_MIN, ALPHA_MAX, 40), np.linspace(0, 0.98, 20)
#: Bounds of the search over log alpha and phi, and the share of the cost below which it gains no more.
_LOW, _HIGH, _COST_CHANGE = np.array([np.log(ALPHA_MIN), 0.0]), np.array([np.log(ALPHA_MAX), 1 - 1e-9]), 1e-12


@dataclass(frozen=True)
class Pow3:
    """Point fit: err(N) = exp(log_amplitude) * [(1-phi) (N/Nmax)^-alpha + phi].

    Attributes:
        alpha: slope.
        phi: floor as a share of the error at the largest budget.
        log_amplitude: log of the error at the largest budget.
        misfit_ss: sum over errors of the squared distance from the mean of their budget to the curve, in log.
    """

    alpha: float
    phi: float
    log_amplitude: float
    misfit_ss: float


def log_shape(ratio: ArrayLike, alpha: ArrayLike, phi: ArrayLike) -> NDArray[np.float64]:
    """Log error relative to the largest budget, log[(1-phi) ratio^-alpha + phi]; the arguments broadcast."""
    share = np.asarray(phi, dtype=float)
    decay = np.asarray(ratio, dtype=float) ** -np.asarray(alpha, dtype=float)
    return np.asarray(np.log((1 - share) * decay + share))


def fit_pow3(data: Replicates, left: Contrasts | None = None) -> Pow3:
    """Least squares in log space with alpha in [.02, 5] and phi in [0, 1); the amplitude is projected out.

    Args:
        data: errors of one curve.
        left: what to fit of them; by default a common shift is taken out, and nothing of the seeds.

    Raises:
        InputError: fewer than four distinct budgets.
    """
    require_budgets(data)
    fitted = left or contrasts(data, paired=False)
    ratio = data.ratio

    def residuals(x: NDArray[np.float64], _number: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.asarray((log_shape(ratio, np.exp(x[:, :1]), x[:, 1:]) - fitted.mean) @ fitted.root.T)

    def jacobian(x: NDArray[np.float64]) -> NDArray[np.float64]:
        alpha, phi = np.exp(x[:, :1]), x[:, 1:]
        decay = ratio**-alpha
        error = (1 - phi) * decay + phi
        slopes = np.stack([-(1 - phi) * decay * alpha * np.log(ratio) / error, (1 - decay) / error], axis=1)
        return np.asarray((slopes @ fitted.root.T).transpose(0, 2, 1))

    grid = log_shape(ratio, _START_ALPHA[:, None, None], _START_PHI[:, None]) - fitted.mean
    misfit = ((grid @ fitted.root.T) ** 2).sum(axis=-1)
    at_alpha, at_phi = np.unravel_index(np.argmin(misfit[:, 1:]), misfit[:, 1:].shape)
    start = np.log(_START_ALPHA[[np.argmin(misfit[:, 0]), at_alpha]])
    start = np.stack([start, [0.0, _START_PHI[at_phi + 1]]], axis=1)
    fits = fit_all(residuals, jacobian, start, _LOW, _HIGH, cost_change=_COST_CHANGE)
    best = int(np.argmin(fits.cost))
    alpha, phi = float(np.exp(fits.x[best, 0])), float(fits.x[best, 1])
    rest = data.mean_log - log_shape(ratio, alpha, phi)
    return Pow3(alpha, phi, float(np.average(rest, weights=data.count)), 2 * float(fits.cost[best]))
