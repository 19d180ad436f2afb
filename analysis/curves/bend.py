"""How a learning curve may bend away from its power law: a discrepancy that vanishes at the largest budget.

Going down from the largest budget in x = ln(Nmax/N), the true log error leaves the power law like an integrated Wiener
process of strength kappa: Cov d(x) d(x') = kappa^2 x^2 (3x' - x)/6 for x <= x', so kappa sqrt(x) is the standard
deviation of the change of the slope. The power law is then what continues the last budgets, and early ones count the
less the more the curve bends: a window without an edge. Beyond the largest budget the curve goes on bending
independently, Var d = kappa^2 u^3/3 with u = ln(N/Nmax). (Discrepancy: M. C. Kennedy and A. O'Hagan, J. R. Stat. Soc. B
63 (2001) 425; integrated Wiener process: G. Wahba, J. R. Stat. Soc. B 40 (1978) 364.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Strengths considered, change of slope for a factor e in labels, and their prior weights for curves of runs and for
#: published means, whose small errors and many sizes show that most real curves bend (measured: `public_curves.py`).
BEND = np.array([0.0, 0.1, 0.25, 0.6])
BEND_WEIGHT = np.array([0.65, 0.22, 0.1, 0.03])
BEND_WEIGHT_OF_MEANS = np.array([0.3, 0.3, 0.25, 0.15])


def bend_covariance(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of a bend of unit strength at budgets over the largest one, [k] to [k, k]."""
    x = -np.log(ratio)
    near, far = np.minimum.outer(x, x), np.maximum.outer(x, x)
    return np.asarray(near**2 * (3 * far - near) / 6)


def bend_ahead(ratio: ArrayLike, most: float) -> NDArray[np.float64]:
    """Standard deviation of a bend of unit strength beyond the largest budget; constant beyond `most` times of it."""
    u = np.log(np.clip(np.asarray(ratio, dtype=float), 1.0, most))
    return np.asarray(np.sqrt(u**3 / 3))
