"""Per-atom multilayer perceptrons straight from positions, in double precision: what molecular dynamics asks for.

Training predicts with stored Jacobians in single precision (`asteroid.models.mlp_forces`), whose last digits
depend on how many frames go together. Here the gradient of the sum of all models is taken back to the positions once
(`asteroid.descriptors.pullback`), whatever their number, and energies are smooth to 1e-12 eV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.descriptors.pullback import pair_plan, products_of, pull_back
from asteroid.models.mlp_parameters import unpack_parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from asteroid.descriptors.layout import Layout
    from asteroid.descriptors.pullback import PairPlan
    from asteroid.models.mlp_parameters import NetworkSize
    from asteroid.models.network import Scaling

    Floats = NDArray[np.float64]

#: Frames at a time: few enough for the cache.
_CHUNK = 64


@dataclass(frozen=True, eq=False)
class SummedMLPs:
    """The sum of K models, ready to predict; I centres, C products of a centre, H units.

    Attributes:
        plan: of the descriptors.
        layers: weights [I, K, inputs, H] and biases [I, K, 1, H] of the hidden layers; scalings are part of the first.
        readout: [I, K, H], force scales included.
    """

    plan: PairPlan
    layers: tuple[tuple[Floats, Floats], ...]
    readout: Floats

    def __call__(self, positions: Floats) -> tuple[Floats, Floats]:
        """Energies [N] in eV up to a constant and forces [N, A, 3] in eV/Å of frames [N, A, 3] in Å."""
        energy, forces = np.empty(len(positions)), np.empty(positions.shape)
        for first in range(0, len(positions), _CHUNK):
            rows = slice(first, first + _CHUNK)
            energy[rows], forces[rows] = self._chunk(positions[rows])
        return energy, forces

    def _chunk(self, positions: Floats) -> tuple[Floats, Floats]:
        products, tape = products_of(self.plan, positions)
        hidden, slopes = products[:, None], []
        for matrix, bias in self.layers:
            z = hidden @ matrix + bias
            gate = 1.0 / (1.0 + np.exp(-z))
            hidden = z * gate
            slopes.append(gate + hidden * (1.0 - gate))
        energy = np.einsum("iknh,ikh->n", hidden, self.readout)
        gradient = slopes[-1] * self.readout[:, :, None]
        for layer in reversed(range(len(self.layers))):
            if layer < len(self.layers) - 1:
                gradient = gradient * slopes[layer]
            gradient = gradient @ self.layers[layer][0].swapaxes(2, 3)
        return energy, -pull_back(self.plan, tape, gradient.sum(axis=1))


def sum_of_mlps(layout: Layout, settings: NetworkSize, parameters: Tensor, scaling: Scaling) -> SummedMLPs:
    """Make K models ready to predict as one.

    Args:
        layout: layout of the descriptors.
        settings: size of the networks.
        parameters: [K, P].
        scaling: of the K models.
    """
    plan, weights = pair_plan(layout), unpack_parameters(layout, settings, parameters.double())
    mean, inverse_std = scaling.mean.double().numpy(), scaling.inverse_std.double().numpy()
    scale = scaling.force_scale_ev_ang.double().numpy()
    n_products, n_models, n_centres = len(plan.mirrored), len(parameters), len(plan.centres)
    shapes = [(n_products if layer == 0 else settings.hidden, settings.hidden) for layer in range(settings.layers)]
    layers = [
        (np.zeros((n_centres, n_models, *shape)), np.zeros((n_centres, n_models, 1, settings.hidden)))
        for shape in shapes
    ]
    readout = np.zeros((n_centres, n_models, settings.hidden))
    centre = 0
    for block in layout.blocks:
        own = [(next(weights).numpy(), next(weights).numpy()) for _ in range(settings.layers)]
        last = next(weights).numpy()
        width = len(block.channels)
        for place in range(len(block.atoms)):
            cut = slice(block.start + place * width, block.start + (place + 1) * width)
            matrix = own[0][0] * inverse_std[:, cut, None]
            first, bias = layers[0]
            first[centre][:, plan.channels[centre]] = matrix
            # A product and the one with its kinds exchanged are equal: half of the weight each.
            first[centre] = 0.5 * (first[centre] + first[centre][:, plan.mirrored])
            bias[centre, :, 0] = own[0][1] - np.einsum("kc,kch->kh", mean[:, cut], matrix)
            for layer in range(1, settings.layers):
                layers[layer][0][centre] = own[layer][0]
                layers[layer][1][centre, :, 0] = own[layer][1]
            readout[centre] = last * scale[:, None]
            centre += 1
    return SummedMLPs(plan, tuple(layers), readout)
