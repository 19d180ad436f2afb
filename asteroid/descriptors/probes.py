"""Second derivatives of the descriptors for score matching: a Laplacian per frame, and a few fixed probe directions.

Score matching needs the trace of the Hessian of the energy. With D(x) the descriptors, J their Jacobian and G the
Hessian of the energy by the descriptors, d2E/dx2 = J^T G J + sum_c (dE/dD_c) d2D_c/dx2, hence

    tr d2E/dx2 = mean over probes of (Jv)^T G (Jv) + (dE/dD) . lap D.

Everything of the positions is fixed before training: the Laplacian lap D [W], exact, and J v for V probes v with
E[v v^T] = 1. Only the first term, a fifth of the trace of a trained network, is left to chance. Measured on methanol
with a network trained on forces (480 channels): standard deviation of a frame's trace over its mean with V = 1 / 4 / 8
probes

    v ~ N(0, 1), D''[v,v] per probe (Song et al., arXiv 1905.07088)   .56  / .28  / .22
    v = +-1 (Rademacher), D''[v,v] per probe                          .41  / .21  / .14
    orthogonal probes, D''[v,v] per probe                             .43  / .18  / .11
    orthogonal probes, Laplacian (this file's default)                .17  / .07  / .04

against .12, the spread of the trace among frames. Rademacher probes single out the axes of the laboratory, which turn
with a frame, and orthogonal ones beat them from V = 4 on. Translations change no descriptor, so probes live in the
3A - 3 directions without a net displacement; V = 3A - 3 probes give the exact trace.

How much that matters in training: 3,600 methanol frames, 1,500 steps of 10 at a rate of 5e-3, mean of two seeds that
differ by up to .1 (kcal/mol/Å from the true forces): V = 1 / 4 / 15 gave 1.78 / 1.52 / 1.52, and V = 4 in the first
line's manner 1.59. V = 4 is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from asteroid.descriptors.describe import describe_values
from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asteroid.descriptors.layout import Layout

#: Step (Å per unit of v) of the central differences. Of real methanol, the second derivatives are off by 9e-7 of their
#: root mean square (truncation; 9e-5 at 1e-3 Å) and rounding takes over below 5e-5 Å.
STEP_ANG = 1e-4
_CHUNK = 64


def draw_probes(hashes: Sequence[str], n_atoms: int, n_probes: int, seed: int) -> NDArray[np.float64]:
    """Draw the probes of each frame, from its own hash and the seed alone.

    The probes of a frame are orthogonal to each other and to translations, of uniformly random orientation and of
    length sqrt(3A - 3), so that their mean v v^T is, on average, the unit matrix on the 3A - 3 directions that are not
    translations. The first probes are the same however many are drawn.

    Args:
        hashes: content hashes [N] in hexadecimal (`asteroid.labels.label_set`).
        n_atoms: atoms A of the molecule.
        n_probes: probes V per frame.
        seed: other probes for the same frames.

    Returns:
        [N, V, A, 3], without unit.

    Raises:
        InputError: fewer than one or more than 3A - 3 probes.
    """
    refuse_too_many_probes(n_atoms, n_probes)
    n_free = 3 * n_atoms - 3
    # Columns are drawn one after another, which is what makes the first ones independent of the number.
    normal = np.empty((len(hashes), n_probes, n_free))
    for row, name in enumerate(hashes):
        normal[row] = np.random.default_rng([seed, int(name, 16)]).standard_normal((n_probes, n_free))
    columns = np.linalg.qr(normal.transpose(0, 2, 1))[0]
    directions: NDArray[np.float64] = np.sqrt(n_free) * np.einsum("nfv,fd->nvd", columns, internal_basis(n_atoms))
    return directions.reshape(len(hashes), n_probes, n_atoms, 3)


def refuse_too_many_probes(n_atoms: int, n_probes: int) -> None:
    """Refuse probes that cannot all be orthogonal.

    Raises:
        InputError: fewer than one or more than 3A - 3 probes.
    """
    n_free = 3 * n_atoms - 3
    if not 1 <= n_probes <= n_free:
        raise InputError(
            f"{n_atoms} atoms have room for 1 to {n_free} orthogonal probes, found {n_probes}: {n_free} are exact"
        )


def internal_basis(n_atoms: int) -> NDArray[np.float64]:
    """Orthonormal basis [3A - 3, 3A] of the displacements of A atoms without a net displacement."""
    # Helmert's contrasts: atom j against the mean of those before it.
    contrasts = np.tri(n_atoms, k=-1)[1:] - np.diag(np.arange(n_atoms))[1:]
    contrasts /= np.linalg.norm(contrasts, axis=1, keepdims=True)
    return np.asarray(np.kron(contrasts, np.eye(3)))


def describe_probes(
    layout: Layout, positions: NDArray[np.float64], probes: NDArray[np.float64]
) -> tuple[Tensor, Tensor]:
    """First and second derivatives of the descriptors along the probes, by central differences in float64.

    Args:
        layout: layout of the descriptors.
        positions: [N, A, 3] Å.
        probes: [N, V, A, 3], of any length; the step is `STEP_ANG` times the probe.

    Returns:
        J v and D''[v,v], each [N, V, W] float32, per Å and per Å^2.
    """
    n_probes = probes.shape[1]
    jvp = torch.empty(len(positions), n_probes, layout.width)
    second = torch.empty(len(positions), n_probes, layout.width)
    for start in range(0, len(positions), _CHUNK):
        rows = slice(start, start + _CHUNK)
        centre = describe_values(layout, positions[rows])
        for v in range(n_probes):
            up, down = (describe_values(layout, positions[rows] + s * STEP_ANG * probes[rows, v]) for s in (1, -1))
            jvp[rows, v] = ((up - down) / (2.0 * STEP_ANG)).float()
            second[rows, v] = ((up + down - 2.0 * centre) / STEP_ANG**2).float()
    return jvp, second


def laplacian(layout: Layout, positions: NDArray[np.float64]) -> Tensor:
    """Laplacian of every descriptor by the positions of all atoms, by central differences in float64.

    Costs 2 (3A - 3) evaluations of the descriptors' values per frame.

    Args:
        layout: layout of the descriptors.
        positions: [N, A, 3] Å.

    Returns:
        [N, W] float32, per Å^2.
    """
    basis = internal_basis(positions.shape[1]).reshape(-1, *positions.shape[1:])
    found = torch.empty(len(positions), layout.width)
    for start in range(0, len(positions), _CHUNK):
        here = positions[start : start + _CHUNK]
        total = -2.0 * len(basis) * describe_values(layout, here)
        for direction in basis:
            for sign in (1, -1):
                total += describe_values(layout, here + sign * STEP_ANG * direction)
        found[start : start + _CHUNK] = (total / STEP_ANG**2).float()
    return found
