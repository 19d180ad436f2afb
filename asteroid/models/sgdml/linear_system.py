"""The linear system of a kernel fit: the covariance of training forces, assembled and solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from asteroid.errors import InputError
from asteroid.models.sgdml.package import interleaved_permutations, sgdml_package
from asteroid.models.sgdml.settings import COLUMN_FRAMES

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray


class SingularKernelError(InputError):
    """The kernel matrix of these labels with these settings has no Cholesky factor."""


@dataclass(frozen=True, eq=False)
class KernelFrames:
    """Training frames as the kernel sees them."""

    descriptors: Tensor  # [N, D]
    jacobians: Tensor  # [N, D, 3], compressed as the package has them
    basis: Tensor  # [N, 3A, r], orthonormal directions that change a distance
    permutations: IntArray  # [D P], see `package.interleaved_permutations`


def describe_frames(positions: FloatArray, group: IntArray) -> KernelFrames:
    """Descriptors, Jacobians and bases of frames [N, A, 3] in Å under a group of permutations [P, A]."""
    n, atoms = positions.shape[:2]
    desc = sgdml_package().Desc(atoms, max_processes=1)
    descriptors, compressed = desc.from_R(positions.reshape(n, -1))
    jacobians = torch.from_numpy(desc.d_desc_from_comp(compressed))
    basis = torch.linalg.svd(jacobians.mT, full_matrices=False)[0][:, :, : max(3 * atoms - 6, 1)].contiguous()
    given = (torch.from_numpy(descriptors).reshape(n, -1), torch.from_numpy(compressed).reshape(n, -1, 3))
    return KernelFrames(*given, basis, interleaved_permutations(desc, group))


def assemble_kernel(frames: KernelFrames, sigma: int) -> Tensor:
    """The positive kernel matrix [N r, N r] in the bases of the frames, a few columns and their mirror at a time."""
    n, cartesian, r = frames.basis.shape
    matrix = torch.empty(n * r, n * r, dtype=torch.float64)
    for start in range(0, n, COLUMN_FRAMES):
        stop = min(start + COLUMN_FRAMES, n)
        # (first column in the block, frame counted from start, components of its force): the rows above are known.
        columns = [(k * cartesian, k, list(range(cartesian))) for k in range(stop - start)]
        block = np.empty(((n - start) * cartesian, (stop - start) * cartesian))
        rest = (frames.descriptors[start:], frames.jacobians[start:])
        sgdml_package().Assemble(columns, frames.permutations, sigma, False, *rest, out=block)(range(len(columns)))
        left = frames.basis[start:].mT @ torch.from_numpy(block).reshape(n - start, cartesian, -1)
        both = torch.einsum("nrkx,kxs->nrks", left.unflatten(2, (stop - start, cartesian)), frames.basis[start:stop])
        rows = -both.reshape((n - start) * r, (stop - start) * r)
        matrix[start * r :, start * r : stop * r] = rows
        matrix[start * r : stop * r, start * r :] = rows.T
    return matrix


def solve_kernel(matrix: Tensor, right: Tensor, sigma: int, regularisation: float) -> Tensor:
    """Solve (matrix + regularisation) x = right for x [n, 1]; the matrix is overwritten.

    Raises:
        SingularKernelError: there is no Cholesky factor.
    """
    matrix.diagonal().add_(regularisation)
    info = torch.empty((), dtype=torch.int32)
    factor: Tensor = matrix.mT  # symmetric, and LAPACK's order: factorised in place (cholesky_solve would copy it)
    torch.linalg.cholesky_ex(factor, out=(factor, info))
    if int(info):
        raise SingularKernelError(
            f"a kernel with sigma {sigma} is not positive at {regularisation:g}: raise the regularisation"
        )
    halfway = torch.linalg.solve_triangular(factor, right, upper=False)
    solution: Tensor = torch.linalg.solve_triangular(matrix, halfway, upper=True)
    return solution
