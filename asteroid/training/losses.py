"""What training minimises: the energy and force loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

ForceLoss = Literal["mae", "l2"]


def force_term(difference: Tensor, kind: ForceLoss) -> Tensor:
    """Force error of each frame.

    Args:
        difference: predicted minus labelled forces [..., 3A].
        kind: "mae", the mean over components, or "l2", the mean over atoms of the length of the error.

    Returns:
        [...], in the unit of the forces.
    """
    if kind == "mae":
        return difference.abs().mean(-1)
    per_atom = difference.unflatten(-1, (-1, 3))
    # The square root has no slope at zero: a floor far below any label error keeps the gradient finite.
    length: Tensor = (per_atom.pow(2).sum(-1) + 1e-12).sqrt()
    return length.mean(-1)


def weighted_loss(
    energy_difference: Tensor, force_difference: Tensor, weights: Tensor | None, rho: Tensor, kind: ForceLoss
) -> Tensor:
    """Loss of each model: (1 - rho) mean |dE| + rho mean_i w_i l(dF_i), equation (3) of ASTEROID (arXiv 2306.03109).

    Args:
        energy_difference: [K, M].
        force_difference: [K, M, 3A].
        weights: [K, M] bias weights, or None for no weights.
        rho: [K] share of the force term.
        kind: the force term l; the weights act on either.

    Returns:
        [K].
    """
    per_frame = force_term(force_difference, kind)
    if weights is not None:
        per_frame = per_frame * weights
    return (1.0 - rho) * energy_difference.abs().mean(-1) + rho * per_frame.mean(-1)
