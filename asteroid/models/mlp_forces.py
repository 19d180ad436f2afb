"""Energies and forces of per-atom multilayer perceptrons, and their gradient by the weights, for K models at once.

A training step needs d loss / d weights, where the loss holds forces, which are derivatives themselves. Recorded
operation by operation, half of a step is the recording. Here the reverse pass over energies and forces is written out:
the same operations in the same order, so the same bits, without the record and in memory that is used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from asteroid.models.mlp_parameters import one_by_one, parameters_by_run, unpack_networks

if TYPE_CHECKING:
    from asteroid.descriptors.layout import ElementBlock, Layout
    from asteroid.models.mlp_parameters import NetworkSize
    from asteroid.models.network import Scaling


def energy_and_forces(
    layout: Layout, settings: NetworkSize, parameters: Tensor, scaling: Scaling, descriptors: Tensor, jacobians: Tensor
) -> tuple[Tensor, Tensor]:
    """Energies and forces of M frames for each of K models; differentiable, once, by the parameters.

    Args:
        layout: layout of the descriptors.
        settings: size of the networks.
        parameters: [K, P].
        scaling: of the K models.
        descriptors: [K, M, W] for frames of each model's own, or [1, M, W] for frames that all models share.
        jacobians: [K, M, W, 3A] or [1, M, W, 3A]; a shared Jacobian is read once for all models.

    Returns:
        energies [K, M] in eV up to a constant, forces [K, M, 3A] in eV/Å.
    """
    found: tuple[Tensor, Tensor] = _EnergyAndForces.apply(  # type: ignore[no-untyped-call]
        parameters, layout, settings, scaling, descriptors, jacobians
    )
    return found


@dataclass(frozen=True, eq=False)
class _Layer:
    """What the reverse pass needs of a layer, for B = K G networks on R rows: z = x W + b, v = silu(z)."""

    matrix: Tensor  # W [B, inputs, H], of the first layer with the scaling
    inputs: Tensor  # x [B, R, inputs]
    z: Tensor  # [B, R, H]
    gate: Tensor  # sigmoid(z)
    rest: Tensor  # 1 - gate
    value: Tensor  # v
    slope: Tensor  # silu'(z) = gate + v rest


@dataclass(frozen=True, eq=False)
class _Run:
    """What the reverse pass needs of a run of G blocks.

    Attributes:
        layers: first to last.
        above: dE/dz of each layer, [B, R, H].
        below: dE/dx of each layer, [B, R, inputs].
        readout: [B, H].
        inverse_std: [B, C, 1].
    """

    layers: list[_Layer]
    above: list[Tensor]
    below: list[Tensor]
    readout: Tensor
    inverse_std: Tensor


class _EnergyAndForces(torch.autograd.Function):
    """Energies and forces whose gradient by the weights is taken by `_weights_gradient`."""

    @staticmethod
    def forward(
        ctx: Any,
        parameters: Tensor,
        layout: Layout,
        settings: NetworkSize,
        scaling: Scaling,
        descriptors: Tensor,
        jacobians: Tensor,
    ) -> tuple[Tensor, Tensor]:
        n_models, n_frames = parameters.shape[0], descriptors.shape[1]
        # Models that share frames in training share their scaling as well, but at prediction they may not.
        centred = descriptors - scaling.mean[:, None]
        energy = parameters.new_zeros(n_models, n_frames)
        gradient = torch.empty_like(centred)  # dE/dD
        tape = []
        # Of the many rows of a prediction, more networks at a time gain nothing, and their products differ by rounding.
        runs = layout.runs if ctx.needs_input_grad[0] else one_by_one(layout)
        for blocks, part in zip(runs, parameters_by_run(runs, settings, parameters), strict=True):
            networks = unpack_networks(len(blocks[0].channels), settings, part.flatten(0, 1))
            run = _forward(blocks, networks, centred, scaling)
            if ctx.needs_input_grad[0]:
                tape.append(run)
            atomic = torch.bmm(run.layers[-1].value, run.readout[..., None])
            for block_energy in atomic.view(n_models, len(blocks), n_frames, -1).sum(-1).unbind(1):
                energy += block_energy
            by_block = _by_block(gradient, blocks)
            by_block.copy_(run.below[0].view(by_block.shape))
        if jacobians.shape[0] == 1:
            forces = torch.bmm(gradient.transpose(0, 1), jacobians[0]).neg_().transpose(0, 1)
        else:
            flat = gradient.view(n_models * n_frames, 1, -1)
            forces = torch.bmm(flat, jacobians.flatten(0, 1)).neg_().view(n_models, n_frames, -1)
        scale = scaling.force_scale_ev_ang[:, None]
        ctx.tape, ctx.layout, ctx.settings, ctx.scale = tape, layout, settings, scale
        ctx.jacobians, ctx.shape = jacobians, parameters.shape
        return energy.mul_(scale), forces * scale[..., None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_energy: Tensor, by_forces: Tensor) -> tuple[Tensor | None, ...]:
        n_models, n_frames = by_energy.shape
        by_forces = (by_forces * ctx.scale[..., None]).neg_()
        by_energy = by_energy * ctx.scale
        if ctx.jacobians.shape[0] == 1:
            by_gradient = torch.bmm(by_forces.transpose(0, 1), ctx.jacobians[0].transpose(1, 2)).transpose(0, 1)
        else:
            flat = by_forces.reshape(n_models * n_frames, 1, -1)
            by_gradient = torch.bmm(flat, ctx.jacobians.flatten(0, 1).transpose(1, 2)).view(n_models, n_frames, -1)
        found = by_energy.new_empty(ctx.shape)
        parts = parameters_by_run(ctx.layout.runs, ctx.settings, found)
        for blocks, run, part in zip(ctx.layout.runs, ctx.tape, parts, strict=True):
            networks = part[:, 0] if len(blocks) == 1 else part.new_empty(len(run.readout), part.shape[-1])
            into = unpack_networks(len(blocks[0].channels), ctx.settings, networks)
            _weights_gradient(run, by_energy, _by_block(by_gradient, blocks), into)
            if len(blocks) > 1:
                part.copy_(networks.view(part.shape))
        return found, None, None, None, None, None


def _by_block(flat: Tensor, blocks: tuple[ElementBlock, ...]) -> Tensor:
    """A run's part [K, G, M, a C] of what has one entry a descriptor [K, M, W]."""
    part = flat[..., blocks[0].start : blocks[-1].stop]
    return part.view(*part.shape[:2], len(blocks), -1).transpose(1, 2)


def _forward(blocks: tuple[ElementBlock, ...], weights: list[Tensor], centred: Tensor, scaling: Scaling) -> _Run:
    n_channels = len(blocks[0].channels)
    *hidden, readout = weights
    inverse_std = _by_block(scaling.inverse_std[:, None], blocks)[..., :n_channels].reshape(-1, n_channels, 1)
    value = _by_block(centred, blocks).reshape(len(readout), -1, n_channels)
    layers: list[_Layer] = []
    for matrix, bias in zip(hidden[::2], hidden[1::2], strict=True):
        inputs, own = value, matrix if layers else matrix * inverse_std
        z = torch.baddbmm(bias[:, None], inputs, own)
        gate = torch.sigmoid(z)
        rest, value = 1.0 - gate, z * gate
        layers.append(_Layer(own, inputs, z, gate, rest, value, torch.mul(value, rest).add_(gate)))
    above, below = [layers[-1].slope * readout[:, None]], []
    for place in reversed(range(len(layers))):
        below.append(torch.bmm(above[-1], layers[place].matrix.transpose(1, 2)))
        if place:
            above.append(below[-1] * layers[place - 1].slope)
    return _Run(layers, above[::-1], below[::-1], readout, inverse_std)


def _weights_gradient(run: _Run, by_energy: Tensor, by_gradient: Tensor, into: list[Tensor]) -> None:
    """The gradient by a run's weights from that by energies [K, M] and by dE/dD [K, G, M, a C].

    First back along the way that dE/dD was found, from the descriptors up, then along that of the energies, down.
    """
    layers = run.layers
    n_networks, n_rows = layers[0].z.shape[:2]
    by_below = by_gradient.reshape(n_networks, n_rows, -1)
    by_slopes, by_matrices = [], []
    for place, layer in enumerate(layers):
        by_above = torch.bmm(by_below, layer.matrix)
        by_matrices.append(torch.bmm(run.above[place].transpose(1, 2), by_below).transpose(1, 2))
        if place + 1 < len(layers):
            by_slopes.append(by_above * run.below[place + 1])
        else:
            by_slopes.append(by_above * run.readout[:, None])
        by_below = by_above.mul_(layer.slope)
    by_readout = by_below.sum(1)
    n_models, n_frames = by_energy.shape
    by_atom = by_energy[:, None, :, None].expand(n_models, n_networks // n_models, n_frames, n_rows // n_frames)
    by_atom = by_atom.reshape(n_networks, n_rows, 1)
    torch.add(by_readout, torch.bmm(layers[-1].value.transpose(1, 2), by_atom)[..., 0], out=into[-1])
    by_value = by_atom * run.readout[:, None]
    for place in reversed(range(len(layers))):
        layer, by_slope = layers[place], by_slopes[place]
        by_value += by_slope * layer.rest
        by_gate = by_slope.sub_(by_slope * layer.value).add_(by_value * layer.z)
        by_z = by_value.mul_(layer.gate).add_(by_gate.mul_(layer.rest).mul_(layer.gate))
        torch.sum(by_z, 1, out=into[2 * place + 1])
        other = torch.bmm(layer.inputs.transpose(1, 2), by_z)
        if place:
            torch.add(by_matrices[place], other, out=into[2 * place])
            by_value = torch.bmm(by_z, layer.matrix.transpose(1, 2))
        else:
            torch.mul(other.add_(by_matrices[place]), run.inverse_std, out=into[0])
