"""Per-atom descriptors D(x) and their Jacobians dD/dx, computed once per frame.

Training frames never move, so everything that depends on positions alone is computed before training; a force is then
one product with a stored Jacobian. Atoms are told apart by element or, where sites are given, by their place in the
molecule (`sites.equivalent_sites`); "kind" stands for either. Two-body channels are radial sums per kind of neighbour;
three-body channels are, per pair of kinds, sums over neighbour pairs of R_n(r_ij) R_n(r_ik) P_l(cos theta_jik) (the
angular idea of Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007), in the Legendre form of the SOAP power
spectrum, Bartók et al., Phys. Rev. B 87, 184115 (2013)). The sums over pairs are never written out: they are
contractions of moment tensors M_p = sum_j R_n(r_ij) u_ij^(x)p (Shapeev, Multiscale Model. Simul. 14, 1153 (2016)), so
the cost is quadratic in the atoms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.descriptors.invariants import evaluate, fill_jacobians, make_workspace, plan_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from asteroid.descriptors.layout import Layout


#: Jacobians of so many bytes at a time: few enough for the cache, enough to hide the overhead of each call of torch.
_CHUNK_BYTES = 8 * 2**20


def describe(
    layout: Layout,
    positions: NDArray[np.float64] | Tensor,
    dtype: torch.dtype = torch.float32,
    out: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Descriptors and Jacobians of many frames of one molecule.

    Args:
        layout: from `make_layout`.
        positions: [N, A, 3] in Å; of a tensor (float64), the result lies where it does.
        dtype: precision of the arithmetic and of the result, float32 or float64.
        out: contiguous tensors of the result's shapes and precision to write it into.

    Returns:
        descriptors [N, W] and Jacobians [N, W, 3A] (per Å); W is `layout.width`.
    """
    n_frames, n_atoms, _ = positions.shape
    device = _device_of(positions)
    if out is None:
        out = (
            torch.empty(n_frames, layout.width, dtype=dtype, device=device),
            torch.empty(n_frames, layout.width, 3 * n_atoms, dtype=dtype, device=device),
        )
    values, jacobians = out
    plan = plan_of(layout, dtype, device)
    chunk = _frames_at_once(layout)
    workspace = make_workspace(plan, min(n_frames, chunk))
    for first in range(0, n_frames, chunk):
        rows = slice(first, first + chunk)
        values[rows], moments = evaluate(plan, _chunk(positions, rows))
        fill_jacobians(plan, moments, workspace, jacobians[rows])
    return values, jacobians


def describe_values(layout: Layout, positions: NDArray[np.float64] | Tensor) -> Tensor:
    """Descriptors of many frames of one molecule without Jacobians, about ten times cheaper than `describe`.

    Args:
        layout: from `make_layout`.
        positions: [N, A, 3] in Å; of a tensor (float64), the result lies where it does.

    Returns:
        [N, W] float64, exact enough for finite differences.
    """
    device = _device_of(positions)
    values = torch.empty(len(positions), layout.width, dtype=torch.float64, device=device)
    plan, chunk = plan_of(layout, torch.float64, device), _frames_at_once(layout)
    for first in range(0, len(positions), chunk):
        rows = slice(first, first + chunk)
        values[rows], _ = evaluate(plan, _chunk(positions, rows))
    return values


def bytes_per_frame(layout: Layout) -> int:
    """Memory that one described frame takes (its Jacobian, float32)."""
    return 4 * layout.width * (3 * len(layout.numbers) + 1)


def _device_of(positions: NDArray[np.float64] | Tensor) -> torch.device:
    return positions.device if isinstance(positions, Tensor) else torch.device("cpu")


def _chunk(positions: NDArray[np.float64] | Tensor, rows: slice) -> Tensor:
    if isinstance(positions, Tensor):
        return positions[rows]
    return torch.tensor(positions[rows], dtype=torch.float64)  # copied: an array may be read-only


def _frames_at_once(layout: Layout) -> int:
    return max(1, min(64, _CHUNK_BYTES // bytes_per_frame(layout)))
