"""What is known of a learning curve before its first label: slope and floor, learnt from other curves or left vague.

    err(n) = A [(1 - phi) (n / n0)^-alpha + phi],    alpha ~ sum_i w_i LogNormal(log centre_i, spread_i),
    phi = 0 with probability no_floor, else Beta(1, floor_b); n0 is the number of labels owned, A is not known.

The learnt prior is a mixture: most of it is what the curves of `known_curves` show, the rest the vague prior of
`analysis.curves.posterior`, so that a curve unlike any of them is still followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.buying.known_curves import known_curves
from analysis.curves.posterior import ALPHA_CENTRE, ALPHA_SPREAD

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

PriorName = Literal["learnt", "vague"]
#: Weight of the vague part of the learnt prior, and the least spread of its other part.
_VAGUE_WEIGHT, _LEAST_SPREAD = 0.2, 0.3
_NO_FLOOR = 0.35
_N_SLOPES, _N_FLOORS = 28, 12
_SMALLEST, _LARGEST = 0.06, 2.5


@dataclass(frozen=True)
class CurvePrior:
    """Prior of slope and floor.

    Attributes:
        slopes: (weight, centre, spread of the log) of each part of the mixture.
        no_floor: probability of no floor at all.
        floor_b: second parameter of the Beta of the floor's share; 1: uniform.
        sources: where it was learnt; empty: nowhere.
    """

    slopes: tuple[tuple[float, float, float], ...]
    no_floor: float = _NO_FLOOR
    floor_b: float = 1.0
    sources: tuple[str, ...] = ()

    def grid(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Slopes, floors and log prior probabilities of a grid of both, [C] each."""
        alpha = np.geomspace(_SMALLEST, _LARGEST, _N_SLOPES)
        log_alpha = np.log(alpha)
        slope = sum(
            weight / spread * np.exp(-0.5 * ((log_alpha - np.log(centre)) / spread) ** 2)
            for weight, centre, spread in self.slopes
        )
        # Middles of equal shares of the Beta, whose quantiles are known: 1 - (1 - q)^(1/b).
        share = (np.arange(_N_FLOORS) + 0.5) / _N_FLOORS
        phi = np.concatenate([[0.0], 1 - (1 - share) ** (1 / self.floor_b)])
        floor = np.concatenate([[self.no_floor], np.full(_N_FLOORS, (1 - self.no_floor) / _N_FLOORS)])
        weights = np.log(np.outer(slope / np.sum(slope), floor))
        grids = np.meshgrid(alpha, phi, indexing="ij")
        return grids[0].ravel(), grids[1].ravel(), np.asarray(weights.ravel())


VAGUE = CurvePrior(((1.0, ALPHA_CENTRE, ALPHA_SPREAD),))


def learnt_prior(exclude: Collection[str] = ()) -> CurvePrior:
    """The prior that the known curves teach.

    The slope of a curve of a new system is lognormal about the mean of the systems, each of which counts alike
    however many curves it has; its spread is that between curves, their own uncertainty taken out.

    Args:
        exclude: systems that are left out, as when a purchase for one of them is judged.
    """
    curves = [curve for curve in known_curves() if curve.system not in exclude]
    systems = [curve.system for curve in curves]
    weight = np.array([1 / systems.count(system) for system in systems])
    weight /= weight.sum()
    log_slope = np.array([curve.log_slope for curve in curves])
    own = np.array([curve.log_slope_sd for curve in curves])
    centre = float(weight @ log_slope)
    variance = float(weight @ ((log_slope - centre) ** 2 - own**2))
    spread = float(np.sqrt(max(variance, _LEAST_SPREAD**2)))
    # The mean of Beta(1, b) is 1 / (1 + b).
    floor = float(weight @ np.array([curve.floor for curve in curves])) / (1 - _NO_FLOOR)
    parts = ((1 - _VAGUE_WEIGHT, float(np.exp(centre)), spread), (_VAGUE_WEIGHT, ALPHA_CENTRE, ALPHA_SPREAD))
    sources = tuple(dict.fromkeys(curve.source for curve in curves))
    return CurvePrior(parts, floor_b=max(1 / floor - 1, 1.0), sources=sources)


def prior_of(name: PriorName, exclude: Collection[str] = ()) -> CurvePrior:
    """The prior by the name that a study file gives it."""
    return VAGUE if name == "vague" else learnt_prior(exclude)
