"""Which purchases nobody would regret: the errors that no cheaper point reaches, drawn as steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray


def non_dominated(price: ArrayLike, error: ArrayLike) -> NDArray[np.bool_]:
    """Non-dominated points: no other has at most the same price and error and is smaller in one of the two.

    Args:
        price: of each point, [n].
        error: of each point, [n].

    Returns:
        True for each such point, [n]; of equal points, the first.
    """
    prices, errors = np.asarray(price, dtype=float), np.asarray(error, dtype=float)
    kept = np.zeros(len(prices), dtype=bool)
    lowest = np.inf
    # By price, at equal prices by error: a point is kept where its error is below all before it.
    for at in np.lexsort((errors, prices)):
        if errors[at] < lowest:
            kept[at] = True
            lowest = errors[at]
    return kept


def draw_steps(price: ArrayLike, error: ArrayLike, ax: Axes, *, until: float, **look: Any) -> None:
    """Draw the lowest error that a price buys, from the cheapest point to the price `until`.

    Args:
        price: of non-dominated points, rising, [n].
        error: of these, falling, [n].
        ax: where to draw.
        until: where the last step ends.
        **look: of the line.
    """
    prices, errors = np.asarray(price, dtype=float), np.asarray(error, dtype=float)
    if len(prices):
        ax.step([*prices, max(until, prices[-1])], [*errors, errors[-1]], where="post", **look)
