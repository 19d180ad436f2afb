from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.linear_system import SingularKernelError, assemble_kernel, describe_frames, solve_kernel
from asteroid.models.sgdml.settings import KernelSettings

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray

    Labels = tuple[IntArray, FloatArray, FloatArray, FloatArray]


def test_a_scale_without_a_factor_loses_to_one_that_has(methanol: dict[str, Labels]) -> None:
    labels = methanol["pool"][0], *(part[:5] for part in methanol["pool"][1:])
    settings = KernelSettings(sigmas=(10, 1_000_000), regularisation=1e-30, folds=2)
    found = fit_kernel(*labels, settings, 0)
    assert found.sigma == 10
    assert found.cross_validated_mae_ev_ang[1_000_000] == np.inf
    with pytest.raises(SingularKernelError, match="sigma 1000000 is not positive"):
        fit_kernel(*labels, replace(settings, sigmas=(1_000_000,)), 0)


def test_the_matrix_is_the_covariance_of_forces_and_its_solution_solves(methanol: dict[str, Labels]) -> None:
    numbers, positions, _, _ = methanol["pool"]
    frames = describe_frames(positions[:3], np.arange(len(numbers))[None])
    matrix = assemble_kernel(frames, 10)
    assert matrix.shape == (3 * 12, 3 * 12)
    torch.testing.assert_close(matrix, matrix.T, rtol=0, atol=1e-12)
    assert float(torch.linalg.eigvalsh(matrix)[0]) > -1e-10 * float(matrix.diagonal().max())
    right = torch.from_numpy(np.random.default_rng(0).normal(size=(36, 1)))
    solution = solve_kernel(matrix.clone(), right, 10, 1e-6)
    torch.testing.assert_close(matrix @ solution + 1e-6 * solution, right, rtol=1e-6, atol=1e-6)
