"""Spherical Bessel functions with their derivatives, for the radial bases of GemNet and DimeNet++.

The published bases leave the derivatives to autograd, which records a power series of thirty terms for every order: two
thirds of a training step. Here a step evaluates values and derivatives once, by the same series and recurrence.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

#: Terms of the power series: double precision where it is used.
_N_TERMS = 30


class SphericalBesselRadial(torch.nn.Module):
    """A published basis (`xnn.gnn.featurizers.SphericalBesselBasis`) whose radial part takes few operations.

    Args:
        published: the basis, with its constants.
    """

    def __init__(self, published: Any) -> None:
        super().__init__()
        self.published = published

    def radial(self, r: Tensor) -> Tensor:
        """Radial factors [E, L, N], in the precision of the distances r [E] (Å), computed in double precision."""
        basis = self.published
        x = (r.double() / basis.cutoff)[:, None, None] * basis.zeros.double()
        factors: Tensor = (basis.norm.double() * spherical_bessel(x)).to(r.dtype)
        return factors

    def angular(self, cos_alpha: Tensor) -> Tensor:
        """Angular factors [T, L] of the cosines [T] of angles."""
        factors: Tensor = self.published.angular(cos_alpha)
        return factors


def spherical_bessel(x: Tensor) -> Tensor:
    """j_l(x) of order l in the place l of the last axis but one: [..., L, N] of positive arguments in double precision.

    Differentiable any number of times.
    """
    value: Tensor
    value, _ = _SphericalBessel.apply(x)  # type: ignore[no-untyped-call]
    return value


class _SphericalBessel(torch.autograd.Function):
    """Values and slopes; the slope's own derivative follows from Bessel's differential equation."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        value, slope = _values_and_slopes(x)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, value, slope)
        return value, slope

    @staticmethod
    def backward(ctx: Any, of_value: Tensor | None, of_slope: Tensor | None) -> Any:
        x, value, slope = ctx.saved_tensors  # as parts of the graph, so that what follows can be differentiated again
        found = None if of_value is None else of_value * slope
        if of_slope is None:
            return found
        order = torch.arange(x.shape[-2], device=x.device)[:, None]
        curvature = (order * (order + 1) / x**2 - 1) * value - 2 / x * slope
        return of_slope * curvature if found is None else found + of_slope * curvature


def _values_and_slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    """j_l(x) and its derivative, [..., L, N] each."""
    n_orders = x.shape[-2]
    order = torch.arange(n_orders, device=x.device)[:, None]
    # Below l + 2, x^l times a power series in x^2 (Horner, with its derivative).
    y = x * x
    series, derivative = torch.zeros_like(x), torch.zeros_like(x)
    for coefficient in _coefficients(n_orders, x.device).unbind():
        derivative = torch.addcmul(series, derivative, y)
        series = torch.addcmul(coefficient, series, y)
    small = x**order
    small_slope = small * (order / x * series + 2 * x * derivative)
    # Beyond, upwards from j_-1 = cos(x)/x and j_0 = sin(x)/x; at small x it would overflow.
    at = x.clamp_min(1.0)
    before, own = torch.cos(at) / at, torch.sin(at) / at
    values, slopes = [], []
    for row in range(n_orders):
        values.append(own[..., row, :])
        slopes.append(before[..., row, :] - (row + 1) / at[..., row, :] * values[-1])
        before, own = own, (2 * row + 1) / at * own - before
    near = x < order + 2
    value = torch.where(near, small * series, torch.stack(values, -2))
    return value, torch.where(near, small_slope, torch.stack(slopes, -2))


@cache
def _coefficients(n_orders: int, device: torch.device) -> Tensor:
    """Coefficients [K, L, 1] of x^l x^(2k) in j_l, the last of the K terms first."""
    rows = []
    for order in range(n_orders):
        term = 1.0
        for odd in range(1, order + 1):
            term /= 2 * odd + 1
        rows.append([term])
        for k in range(1, _N_TERMS):
            rows[-1].append(rows[-1][-1] * -0.5 / (k * (2 * order + 2 * k + 1)))
    return torch.tensor(rows, dtype=torch.float64, device=device).T.flip(0)[..., None].contiguous()
