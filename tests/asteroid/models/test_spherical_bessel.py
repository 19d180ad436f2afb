"""Spherical Bessel functions: SciPy's values and slopes, further derivatives, and the published basis."""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import spherical_jn

from asteroid.models.module_settings import published
from asteroid.models.spherical_bessel import SphericalBesselRadial, spherical_bessel

N_ORDERS = 7


def test_values_and_slopes_are_scipys_on_both_sides_of_the_change_of_method() -> None:
    x = torch.linspace(0.2, 30.0, 300, dtype=torch.float64).expand(1, N_ORDERS, -1).contiguous().requires_grad_()
    value = spherical_bessel(x)
    (slope,) = torch.autograd.grad(value.sum(), x)
    order = np.arange(N_ORDERS)[:, None]
    own = x[0].detach().numpy()
    np.testing.assert_allclose(value[0].detach().numpy(), spherical_jn(order, own), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(slope[0].numpy(), spherical_jn(order, own, derivative=True), rtol=1e-11, atol=1e-13)


def test_slopes_can_be_differentiated_twice_more() -> None:
    x = torch.tensor([0.7, 3.1, 9.4], dtype=torch.float64).expand(1, 4, -1).contiguous().requires_grad_()
    assert torch.autograd.gradcheck(spherical_bessel, x)
    assert torch.autograd.gradgradcheck(spherical_bessel, x)

    def slope(at: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(spherical_bessel(at).sum(), at, create_graph=True)[0]

    assert torch.autograd.gradgradcheck(slope, x)


def test_it_is_the_published_basis() -> None:
    with published():
        from xnn.gnn.featurizers import SphericalBesselBasis

        basis = SphericalBesselBasis(N_ORDERS, 6, 5.0)
    r = torch.linspace(0.4, 5.0, 40)
    ours = SphericalBesselRadial(basis)
    torch.testing.assert_close(ours.radial(r), basis.radial(r), rtol=1e-6, atol=1e-7)
    assert torch.equal(ours.angular(r / 5), basis.angular(r / 5))
