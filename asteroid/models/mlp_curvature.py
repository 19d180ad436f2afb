"""Second derivatives of per-atom multilayer perceptrons along directions, by hand, for K models at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.models.mlp_parameters import unpack_parameters

if TYPE_CHECKING:
    from asteroid.descriptors.layout import Layout
    from asteroid.models.mlp_parameters import NetworkSize
    from asteroid.models.network import Scaling


def curvature_along(
    layout: Layout,
    settings: NetworkSize,
    parameters: Tensor,
    scaling: Scaling,
    descriptors: Tensor,
    jvp: Tensor,
    second: Tensor,
) -> Tensor:
    """Second derivatives of the energy of M frames along V directions each, for each of K models.

    Along x + t v the descriptors move as D + t Jv + t^2/2 D''[v,v], hence, with the derivative of E by the units h_l of
    layer l from one reverse pass and the tangents z_l' from one forward pass along v,
    E'' = (dE/dD) D''[v,v] + sum_l (dE/dh_l) silu''(z_l) z_l'^2. No Hessian is formed, and the result can be
    differentiated by the parameters. As F = -dE/dx, v^T (dF/dx) v is the negative of what is returned.

    Args:
        layout: layout of the descriptors.
        settings: size of the networks.
        parameters: [K, P].
        scaling: of the K models.
        descriptors: [K, M, W], or [1, M, W] for frames that all models share.
        jvp: Jacobian-vector products J v, [K, M, V, W] or [1, M, V, W], per unit of v.
        second: D''[v,v], of the shape of `jvp`; or [., M, 1, W], the mean over the probes or a better estimate of it
            (see `asteroid.descriptors.probes`), which then takes the place of each probe's own.

    Returns:
        [K, M, V] in eV per squared unit of v (eV/Å^2 for unit vectors in Å).
    """
    n_models, n_frames, n_probes = parameters.shape[0], descriptors.shape[1], jvp.shape[2]
    weights = unpack_parameters(layout, settings, parameters)
    curvature = parameters.new_zeros(n_models, n_frames, n_probes)
    gradients = []
    for block in layout.blocks:
        n_channels, cut = len(block.channels), slice(block.start, block.stop)
        unit = slice(block.start, block.start + n_channels)
        hidden = (descriptors[..., cut] - scaling.mean[:, None, cut]).reshape(n_models, -1, n_channels)
        tangent = jvp[..., cut].reshape(len(jvp), -1, n_channels).expand(n_models, -1, -1)
        matrices, first_derivatives, second_derivatives, z_tangents = [], [], [], []
        for layer in range(settings.layers):
            matrix, bias = next(weights), next(weights)
            if layer == 0:
                matrix = matrix * scaling.inverse_std[:, unit, None]
            z = torch.baddbmm(bias[:, None], hidden, matrix)
            z_tangent = torch.bmm(tangent, matrix).reshape(n_models, n_frames, n_probes, -1, settings.hidden)
            gate = torch.sigmoid(z)
            hidden = z * gate
            rest = 1.0 - gate
            derivative = gate + hidden * rest
            matrices.append(matrix)
            first_derivatives.append(derivative)
            # silu'' = gate' (2 + z (1 - 2 gate)) with gate' = gate (1 - gate)
            second_derivatives.append(gate * rest * (2.0 + z * (rest - gate)))
            z_tangents.append(z_tangent)
            if layer + 1 < settings.layers:
                moved = z_tangent * derivative.reshape(n_models, n_frames, 1, -1, settings.hidden)
                tangent = moved.reshape(n_models, -1, settings.hidden)
        gradient = next(weights)[:, None]  # dE/dh of the last layer
        for layer in reversed(range(settings.layers)):
            second_of_z = (gradient * second_derivatives[layer]).reshape(n_models * n_frames, -1, 1)
            squared_tangent = z_tangents[layer].square().flatten(3).flatten(0, 1)
            curvature = curvature + torch.bmm(squared_tangent, second_of_z).reshape(curvature.shape)
            gradient = torch.bmm(gradient * first_derivatives[layer], matrices[layer].transpose(1, 2))
        gradients.append(gradient.reshape(n_models, n_frames, -1))
    gradient = torch.cat(gradients, -1)  # dE/dD
    if second.shape[0] == 1:
        along = torch.bmm(second[0], gradient.permute(1, 2, 0)).permute(2, 0, 1)
    else:
        flat = second.expand(n_models, -1, -1, -1).flatten(0, 1)
        along = torch.bmm(flat, gradient.flatten(0, 1)[..., None]).reshape(n_models, n_frames, -1)
    return (curvature + along) * scaling.force_scale_ev_ang[:, None, None]
