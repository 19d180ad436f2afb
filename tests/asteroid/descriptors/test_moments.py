from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import eval_legendre

from asteroid.descriptors.moments import fill_monomials, legendre_weights, n_monomials


def monomials(vectors: torch.Tensor, degree: int) -> torch.Tensor:
    """Monomials [N, m] of vectors [N, 3] up to a degree."""
    values = torch.ones(len(vectors), 1, n_monomials(degree), 1, dtype=torch.float64)
    fill_monomials(vectors[:, None, :, None], degree, values)
    return values[:, 0, :, 0]


def test_there_are_as_many_monomials_as_powers_of_three_variables() -> None:
    assert [n_monomials(degree) for degree in range(5)] == [1, 4, 10, 20, 35]


@pytest.mark.parametrize("l_max", [0, 1, 4])
def test_legendre_polynomials_are_contractions_of_moments(l_max: int) -> None:
    vectors = torch.as_tensor(np.random.default_rng(0).normal(size=(2, 8, 3)))
    one, other = vectors / vectors.norm(dim=-1, keepdim=True)
    cosine = (one * other).sum(-1).numpy()
    found = (monomials(one, l_max) * monomials(other, l_max)) @ legendre_weights(l_max).T
    wanted = np.stack([eval_legendre(degree, cosine) for degree in range(l_max + 1)], axis=1)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-13)
