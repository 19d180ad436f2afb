"""Posterior of the log error of one strategy at any number of labels, from all looks at its out-of-fold errors.

    y = a + h(x; alpha, phi) + noise  (`noise_law`),    f(n) = a + h(n) + u_n,
    h(x) = log[(1 - phi) (x / n0)^-alpha + phi]

f(n) is the log error of the one model of all n labels, whose draw effect u_n the looks partly see. Given slope, floor
and the spread of frames all is normal, with a flat prior of a; these three are summed on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from analysis.buying.noise_law import draw_covariance, frame_covariance, look_covariance, spread_nodes
from analysis.curves.power_law_shape import log_shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from analysis.buying.noise_law import NoiseLaw
    from analysis.buying.prior import CurvePrior

#: Cells of the grid with less than this share of the largest probability are left out.
_NEGLIGIBLE = 1e-3
#: Folds of the looks to come.
_FOLDS_TO_COME = 10
#: Quantiles of the 90 % interval that is shown, with the median.
_INTERVAL = (0.05, 0.5, 0.95)
#: Halvings of a range of logs by which a quantile is found.
_BISECTIONS = 30


@dataclass(frozen=True, eq=False)
class Looks:
    """All looks at the out-of-fold errors of one strategy, in one order of purchase.

    Attributes:
        n: labels owned at each look, [m].
        x: labels that its models trained on, n (1 - 1/folds), [m].
        log_error: corrected log mean error, [m].
        relative_variance: of one frame's error, at the newest look.
    """

    n: NDArray[np.float64]
    x: NDArray[np.float64]
    log_error: NDArray[np.float64]
    relative_variance: float

    @property
    def newest(self) -> int:
        """Labels at the newest look."""
        return int(self.n.max())


@dataclass(frozen=True, eq=False)
class ErrorPosterior:
    """Log error f of the model of all n labels at T numbers of labels, as a mixture of P normals.

    Attributes:
        n: numbers of labels, increasing, [T].
        weight: of the normals, [P]; they sum to 1.
        mean: [P, T].
        sd: [P, T].
        seen_sd: how far the mean of f(n) will move when a look at n is taken, [T].
        left_sd: what will be left then of the uncertainty of f(n), [T].
    """

    n: NDArray[np.float64]
    weight: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    seen_sd: NDArray[np.float64]
    left_sd: NDArray[np.float64]

    def probability(self, log_target: float) -> NDArray[np.float64]:
        """P(f(n) <= log_target), [T]."""
        return np.asarray(self.weight @ ndtr((log_target - self.mean) / self.sd))

    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of f(n), [T] each."""
        mean = self.weight @ self.mean
        return mean, np.sqrt(self.weight @ (self.sd**2 + (self.mean - mean) ** 2))

    def quantiles(self, probabilities: ArrayLike, at: int) -> NDArray[np.float64]:
        """Quantiles of f at the place `at` of n, by bisection, [q]."""
        wanted = np.asarray(probabilities, dtype=float)
        mean, sd = self.mean[:, at], self.sd[:, at]
        low, high = np.full(len(wanted), (mean - 6 * sd).min()), np.full(len(wanted), (mean + 6 * sd).max())
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            below = self.weight @ ndtr((middle - mean[:, None]) / sd[:, None]) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)

    def interval_ev_ang(self, at: int) -> tuple[float, float, float]:
        """The error at the place `at` of n, eV/Å: 5 % quantile, median, 95 % quantile."""
        low, middle, high = np.exp(self.quantiles(_INTERVAL, at)).tolist()
        return low, middle, high

    def shifted(self, by: float) -> ErrorPosterior:
        """The same posterior with all log errors moved."""
        return ErrorPosterior(self.n, self.weight, self.mean + by, self.sd, self.seen_sd, self.left_sd)


def error_posterior(looks: Looks, at: NDArray[np.float64], prior: CurvePrior, law: NoiseLaw) -> ErrorPosterior:
    """Posterior of f at some numbers of labels.

    Args:
        looks: what was seen.
        at: increasing numbers of labels, [T].
        prior: of slope and floor.
        law: of the noise.
    """
    alpha, phi, log_prior = prior.grid()
    spread = spread_nodes(law, looks.relative_variance, looks.newest)
    covariance = look_covariance(law, looks.n, looks.x, spread)
    seen = log_shape(looks.x[:, None] / looks.newest, alpha, phi)  # [m, C]
    # C^-1 applied to ones, to y and to the shape of every cell, for every spread.
    columns = np.concatenate([np.ones((len(looks.n), 1)), looks.log_error[:, None], seen], axis=1)
    solved = np.linalg.solve(covariance, np.broadcast_to(columns, (len(spread), *columns.shape)))
    total = solved[:, :, 0].sum(axis=1)  # 1'C^-1 1, [S]
    level = (solved[:, :, 1].sum(axis=1)[:, None] - solved[:, :, 2:].sum(axis=1)) / total[:, None]  # [S, C]
    misfit = (
        (looks.log_error @ solved[:, :, 1].T)[:, None]
        - 2 * np.einsum("m,smc->sc", looks.log_error, solved[:, :, 2:])
        + np.einsum("mc,smc->sc", seen, solved[:, :, 2:])
        - total[:, None] * level**2
    )
    log_posterior = log_prior - 0.5 * (misfit + (np.linalg.slogdet(covariance)[1] + np.log(total))[:, None])
    posterior = np.exp(log_posterior - log_posterior.max())
    spread_at, cell = np.nonzero(posterior > _NEGLIGIBLE)
    weight = posterior[spread_at, cell]
    weight /= weight.sum()
    cells = _Cells(weight, spread_at, level[spread_at, cell], alpha[cell], phi[cell], solved[spread_at, :, cell + 2])
    return _predicted(looks, at, law, spread, solved[:, :, :2], cells)


@dataclass(frozen=True, eq=False)
class _Cells:
    """The P cells of the grid that are not negligible: probability, place of the spread, level, slope, floor [P] each.

    `solved` is C^-1 applied to the shape at the looks, [P, m].
    """

    weight: NDArray[np.float64]
    spread_at: NDArray[np.intp]
    level: NDArray[np.float64]
    alpha: NDArray[np.float64]
    phi: NDArray[np.float64]
    solved: NDArray[np.float64]


def _predicted(
    looks: Looks,
    at: NDArray[np.float64],
    law: NoiseLaw,
    spread: NDArray[np.float64],
    solved: NDArray[np.float64],
    cells: _Cells,
) -> ErrorPosterior:
    """F at the wanted numbers, and the log error that a look there would show, in every cell; then their moments.

    `solved` is C^-1 applied to ones and to y for every spread, [S, m, 2].
    """
    weight, spread_at = cells.weight, cells.spread_at
    trained = at * (1 - 1 / _FOLDS_TO_COME)
    share = law.draw_share
    drawn = draw_covariance(law, at, looks.n)  # [T, m]
    frames = frame_covariance(law, at, trained, looks.n, looks.x)
    mean_f, mean_y = (
        log_shape(x / looks.newest, cells.alpha[:, None], cells.phi[:, None]) + cells.level[:, None]
        for x in (at, trained)
    )
    var_f, var_y, both = (np.empty((len(spread), len(at))) for _ in range(3))
    for s, sigma in enumerate(spread):
        own = np.flatnonzero(spread_at == s)
        weights = solved[s, :, 0]
        # C^-1 (y - a - h), [m, P].
        left = solved[s, :, 1:] - weights[:, None] * cells.level[own] - cells.solved[own].T
        covariance = np.linalg.inv(look_covariance(law, looks.n, looks.x, spread[s : s + 1])[0])
        with_f, with_y = share * drawn, share**2 * drawn + sigma**2 * frames
        mean_f[own] += (with_f @ left).T
        mean_y[own] += (with_y @ left).T
        free_f, free_y = 1 - with_f @ weights, 1 - with_y @ weights
        total = weights.sum()
        noise_y = sigma**2 / at + (share * law.draw_effect) ** 2 + law.folds**2
        var_f[s] = law.draw_effect**2 - _quadratic(with_f, covariance, with_f) + free_f**2 / total
        var_y[s] = noise_y - _quadratic(with_y, covariance, with_y) + free_y**2 / total
        both[s] = share * law.draw_effect**2 - _quadratic(with_f, covariance, with_y) + free_f * free_y / total
    middle_f, middle_y = weight @ mean_f, weight @ mean_y
    whole_f = weight @ (var_f[spread_at] + (mean_f - middle_f) ** 2)
    whole_y = weight @ (var_y[spread_at] + (mean_y - middle_y) ** 2)
    whole_both = weight @ (both[spread_at] + (mean_f - middle_f) * (mean_y - middle_y))
    seen = np.minimum(whole_both**2 / np.maximum(whole_y, 1e-12), whole_f)
    return ErrorPosterior(
        at, weight, mean_f, np.sqrt(np.maximum(var_f, 1e-12))[spread_at], np.sqrt(seen), np.sqrt(whole_f - seen)
    )


def _quadratic(
    left: NDArray[np.float64], matrix: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Diagonal of left matrix right', [T]."""
    return np.asarray(((left @ matrix) * right).sum(axis=1))
