"""Two kinds of labels: one error surface over accurate labels and cheap frames for all strategies that share a model.

    err(Na, Nc) = E + A (M / N0)^-alpha,   M = Na + N0 K (Na / N0)^p Nc^q / (Nc^q + c^q)

M are effective labels: those of Na plus those that Nc cheap frames replace, saturating in Nc. E, A, alpha, p and q are
shared; each strategy that uses cheap frames has its own K and c. Nc = 0 is the curve of accurate labels alone, and
strategies merge where Na is large. N0 is the geometric mean of the accurate labels. Fitted to logs of errors by least
squares with weak priors; the uncertainty is that of randomised MAP: data and prior means are perturbed and refitted
(J. M. Bardsley et al., SIAM J. Sci. Comput. 36 (2014) A1895). It cannot express negative transfer: see `transfer`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.caveats import Caveat
from analysis.curves.bounded_fits import fit_all
from analysis.surface.cells import SCRATCH
from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from analysis.curves.bounded_fits import Fits
    from analysis.surface.cells import Cells

N_DRAWS = 60
_N_SHARED = 5
#: A residual spread of cells about the surface, over the noise of a run, above which the surface does not fit.
_LACK = 1.0


@dataclass(frozen=True, eq=False)
class Surface:
    """Posterior draws of a surface.

    Attributes:
        cells: what it was fitted to.
        draws: parameters, [N_DRAWS, 5 + 2 strategies]: log A, log alpha, log E, p, log q, then log K and log c of each.
        best: the most probable parameters.
        n_ref: N0.
        tau: relative spread of the cells about the surface beyond the noise of their runs.
        status: `surface_lack_of_fit` where tau exceeds the noise between runs.
    """

    cells: Cells
    draws: NDArray[np.float64]
    best: NDArray[np.float64]
    n_ref: float
    tau: float
    status: tuple[Caveat, ...]


def fit_surface(cells: Cells, *, seed: int = 0, n_draws: int = N_DRAWS) -> Surface:
    """Fit a surface.

    Args:
        cells: from `surface_cells`.
        seed: of the perturbations.
        n_draws: number of posterior draws.
    """
    rng = np.random.default_rng(seed)
    prior = _prior(cells)
    centre, n_ref = prior.centre, float(np.exp(np.mean(np.log(cells.n_accurate))))
    noise = np.sqrt(cells.sigma**2 / cells.count)
    starts = [centre, *(prior.near_centre(rng) for _ in range(4))]
    fits = _solve(cells, n_ref, starts, noise, cells.mean_log, prior)
    best = fits.x[fits.cost.argmin()]
    rest = cells.mean_log - log_error(best, n_ref, cells.strategy, cells.n_accurate, cells.n_cheap)
    free = max(len(rest) - len(centre), 1)
    # What the cells miss the surface by, beyond what their runs scatter, is noise of the cells.
    tau = float(np.sqrt(max(np.sum(rest**2) / free - np.mean(noise**2), 0.0)))
    noise = np.hypot(noise, tau)
    best = _solve(cells, n_ref, [best], noise, cells.mean_log, prior).x[0]
    data, centres = np.empty((n_draws, len(rest))), np.empty((n_draws, len(centre)))
    for at in range(n_draws):
        shared = cells.omega / np.sqrt(cells.seeds) * rng.normal()
        data[at] = cells.mean_log + noise * rng.normal(size=len(rest)) + shared
        centres[at] = prior.near_centre(rng)
    draws = _solve(cells, n_ref, [best] * n_draws, noise, data, replace(prior, centre=centres)).x
    lacking = tau > _LACK * max(float(np.mean(cells.sigma)), 0.02)
    return Surface(cells, draws, best, n_ref, tau, (Caveat.SURFACE_LACK_OF_FIT,) if lacking else ())


def log_error(
    x: NDArray[np.float64], n_ref: float, strategy: ArrayLike, n_accurate: ArrayLike, n_cheap: ArrayLike
) -> NDArray[np.float64]:
    """Log error of the surface with parameters x [..., P] at cells [m]: [..., m]."""
    return _evaluate(
        np.asarray(x), n_ref, np.asarray(strategy), np.asarray(n_accurate, float), np.asarray(n_cheap, float)
    )[0]


def effective_labels(surface: Surface, strategy: str, n_accurate: ArrayLike, n_cheap: ArrayLike) -> NDArray[np.float64]:
    """Draws of the effective labels M, [S, m].

    Raises:
        InputError: the surface has no such strategy.
    """
    at = _place(surface, strategy)
    n, cheap = np.broadcast_arrays(np.asarray(n_accurate, float), np.asarray(n_cheap, float))
    return _evaluate(surface.draws, surface.n_ref, np.full(n.shape, at), n, cheap)[1]


def surface_draws(surface: Surface, strategy: str, n_accurate: ArrayLike, n_cheap: ArrayLike) -> NDArray[np.float64]:
    """Draws of the log error of the mean run, [S, m].

    Raises:
        InputError: the surface has no such strategy.
    """
    at = _place(surface, strategy)
    n, cheap = np.broadcast_arrays(np.asarray(n_accurate, float), np.asarray(n_cheap, float))
    return log_error(surface.draws, surface.n_ref, np.full(n.shape, at), n, cheap)


def new_run_spread(surface: Surface, strategy: str) -> float:
    """Standard deviation of the log error of one new run of a strategy about the surface.

    Raises:
        InputError: the surface has no such strategy.
    """
    sigma = surface.cells.sigma[surface.cells.strategy == _place(surface, strategy)][0]
    return float(np.sqrt(surface.tau**2 + sigma**2 + surface.cells.omega**2))


def _place(surface: Surface, strategy: str) -> int:
    names = surface.cells.strategies
    if strategy != SCRATCH and strategy not in names:
        raise InputError(f"this surface knows {', '.join((SCRATCH, *names))}, found {strategy!r}: choose one of them")
    return -1 if strategy == SCRATCH else names.index(strategy)


@dataclass(frozen=True, eq=False)
class _Prior:
    """Centres, spreads and bounds of the parameters, [P]; of several fits the centres may differ, [S, P]."""

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def near_centre(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """A draw, moved onto the bounds where it lies beyond them."""
        return np.clip(self.centre + self.spread * rng.normal(size=len(self.centre)), self.low, self.high)


def _prior(cells: Cells) -> _Prior:
    lowest, middle = float(cells.mean_log.min()), float(np.median(cells.mean_log))
    cheap = float(np.mean(np.log(cells.n_cheap[cells.n_cheap > 0])))
    own = len(cells.strategies)
    centre = np.array([middle, np.log(0.6), lowest + np.log(0.3), 0.5, 0.0, *([0.0, cheap] * own)])
    spread = np.array([3.0, 0.8, 1.5, 0.3, 0.5, *([2.0, 1.5] * own)])
    low, high = centre - 4 * spread, centre + 4 * spread
    low[3], high[3] = 0.0, 1.0
    high[2] = lowest
    return _Prior(centre, spread, low, high)


def _solve(
    cells: Cells,
    n_ref: float,
    starts: Sequence[NDArray[np.float64]],
    noise: NDArray[np.float64],
    data: NDArray[np.float64],
    prior: _Prior,
) -> Fits:
    """Fits from several starts to one or as many data, [m] or [S, m]."""
    start = np.array(starts)
    all_data = np.broadcast_to(data, (len(start), data.shape[-1]))
    centres = np.broadcast_to(prior.centre, start.shape)
    of_prior = np.diag(1 / prior.spread)

    def residuals(x: NDArray[np.float64], number: NDArray[np.intp]) -> NDArray[np.float64]:
        found = log_error(x, n_ref, cells.strategy, cells.n_accurate, cells.n_cheap)
        return np.concatenate([(found - all_data[number]) / noise, (x - centres[number]) / prior.spread], axis=1)

    def jacobian(x: NDArray[np.float64]) -> NDArray[np.float64]:
        own = _gradient(x, n_ref, cells) / noise[:, None]
        return np.concatenate([own, np.broadcast_to(of_prior, (len(x), *of_prior.shape))], axis=1)

    return fit_all(residuals, jacobian, start, prior.low, prior.high)


def _evaluate(
    x: NDArray[np.float64],
    n_ref: float,
    strategy: NDArray[np.int64],
    n_accurate: NDArray[np.float64],
    n_cheap: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log errors and effective labels, [..., m] each."""
    log_k, _log_c, saturation = _own(x, strategy, n_cheap)
    assisted = n_cheap > 0
    gain = np.exp(log_k) * n_ref * (n_accurate / n_ref) ** x[..., 3:4] * saturation
    effective = n_accurate + np.where(assisted, gain, 0.0)
    decay = np.exp(x[..., 0:1]) * (effective / n_ref) ** -np.exp(x[..., 1:2])
    return np.log(np.exp(x[..., 2:3]) + decay).reshape(*x.shape[:-1], -1), effective


def _own(
    x: NDArray[np.float64], strategy: NDArray[np.int64], n_cheap: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Each cell's log K, log c and saturation Nc^q / (Nc^q + c^q), [..., m]."""
    at = _N_SHARED + 2 * np.maximum(strategy, 0)
    log_k, log_c = x[..., at], x[..., at + 1]
    logs = np.log(np.maximum(n_cheap, 1e-9))
    return log_k, log_c, 1 / (1 + np.exp(np.clip(np.exp(x[..., 4:5]) * (log_c - logs), -50, 50)))


def _gradient(x: NDArray[np.float64], n_ref: float, cells: Cells) -> NDArray[np.float64]:
    """Derivatives of the log errors at the cells for several parameters [S, P], [S, m, P]."""
    n, assisted = cells.n_accurate, cells.n_cheap > 0
    log_k, log_c, saturation = _own(x, cells.strategy, cells.n_cheap)
    log_a, alpha, log_e, p, q = x[:, 0:1], np.exp(x[:, 1:2]), x[:, 2:3], x[:, 3:4], np.exp(x[:, 4:5])
    gain = np.where(assisted, np.exp(log_k) * n_ref * (n / n_ref) ** p * saturation, 0.0)
    effective = n + gain
    logs = np.log(effective / n_ref)
    decay = np.exp(log_a - alpha * logs)
    error = np.exp(log_e) + decay
    by_gain = -alpha * decay / effective * gain / error
    turn = (1 - saturation) * q
    jacobian = np.zeros((len(x), len(n), x.shape[1]))
    jacobian[:, :, 0] = decay / error
    jacobian[:, :, 1] = -alpha * decay * logs / error
    jacobian[:, :, 2] = np.exp(log_e) / error
    jacobian[:, :, 3] = by_gain * np.log(n / n_ref)
    jacobian[:, :, 4] = by_gain * turn * (np.log(np.maximum(cells.n_cheap, 1e-9)) - log_c)
    rows, at = np.arange(len(n)), _N_SHARED + 2 * np.maximum(cells.strategy, 0)
    jacobian[:, rows, at] = by_gain
    jacobian[:, rows, at + 1] = -by_gain * turn
    return jacobian
