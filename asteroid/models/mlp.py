"""Per-atom multilayer perceptrons on descriptors, K models side by side.

The energy of a frame is a sum over atoms of a small network of the atom's descriptors, one network per element (Behler
and Parrinello, Phys. Rev. Lett. 98, 146401 (2007)). Forces are the hand-written chain rule F = -(dE/dD)(dD/dx) with the
stored Jacobian dD/dx, so that a training step needs one reverse pass and no graph of positions. All K parameter vectors
lie in one tensor [K, P] and every layer is one batched product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from asteroid.descriptors.describe import describe_values
from asteroid.descriptors.streaming import stream_batches
from asteroid.models.network import Inputs, NetworkSettings, Scaling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asteroid.descriptors.frame_bank import FrameTensors, Probes
    from asteroid.descriptors.layout import ElementBlock, Layout

#: Frames that the scaling is measured on. A level of any size must be trainable without a pass over all its frames,
#: and the scaling must not depend on whether it is streamed.
_SCALING_FRAMES = 4096


@dataclass(frozen=True)
class MLPSettings(NetworkSettings):
    """Size of each element's network.

    Attributes:
        hidden: units per hidden layer.
        layers: hidden layers.
    """

    hidden: int = field(default=32, metadata={"gt": 0})
    layers: int = field(default=2, metadata={"gt": 0})

    architecture: ClassVar[str] = "mlp"
    packs: ClassVar[bool] = True
    needs_descriptors: ClassVar[bool] = True
    one_composition: ClassVar[bool] = True  # that of the descriptors' layout
    matches_scores: ClassVar[bool] = True

    def network(self, layout: Layout | None) -> DescriptorMLP:
        """K models of this size on the descriptors of one molecule.

        Raises:
            ValueError: there are no descriptors.
        """
        if layout is None:
            raise ValueError("the descriptor model needs the descriptors of one composition")
        return DescriptorMLP(layout, self)


@dataclass(frozen=True)
class DescriptorMLP:
    """The networks of one composition as the fit loop sees them (`asteroid.models.network.Network`).

    Attributes:
        layout: layout of the descriptors.
        settings: size of the networks.
    """

    layout: Layout
    settings: MLPSettings

    def parameter_count(self) -> int:
        """Number of weights P of one model."""
        return parameter_count(self.layout, self.settings)

    def initial_parameters(self, seed: int) -> Tensor:
        """Random weights [P] of one model."""
        return initial_parameters(self.layout, self.settings, seed)

    def trainable_mask(self, frozen_layers: int) -> Tensor:
        """Zero [P] for the weights of the first layers."""
        return trainable_mask(self.layout, self.settings, frozen_layers)

    def measure_scaling(self, frames: FrameTensors, rows: Tensor, forces: Tensor) -> Scaling:
        """Scaling of one model from its training frames."""
        sample = rows[:_SCALING_FRAMES]  # a random sample: the order of a stage's frames is that of their hashes
        if frames.descriptors is None:
            descriptors = describe_values(self.layout, frames.positions[sample].numpy()).float()
        else:
            descriptors = frames.descriptors[sample]
        return measure_scaling(self.layout, descriptors, forces)

    def batches(self, frames: FrameTensors, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Descriptors [K, M, W] and Jacobians [K, M, W, 3A] of one batch after another.

        They hold until the next batch is asked for, then their memory is used again: for tensors of this size, memory
        that the system has to clear first costs more than the copy.
        """
        if frames.descriptors is None or frames.jacobians is None:
            yield from stream_batches(self.layout, frames.positions, rows)
            return
        descriptors, jacobians = torch.empty(0), torch.empty(0)
        for batch in rows:
            if len(descriptors) != batch.numel():
                descriptors = torch.empty(batch.numel(), *frames.descriptors.shape[1:])
                jacobians = torch.empty(batch.numel(), *frames.jacobians.shape[1:])
            torch.index_select(frames.descriptors, 0, batch.flatten(), out=descriptors)
            torch.index_select(frames.jacobians, 0, batch.flatten(), out=jacobians)
            yield descriptors.unflatten(0, batch.shape), jacobians.unflatten(0, batch.shape)

    def energy_and_forces(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Energies [K, M] in eV up to a constant and forces [K, M, 3A] in eV/Å."""
        descriptors, jacobians = inputs
        return energy_and_forces(self.layout, self.settings, parameters, scaling, descriptors, jacobians)

    def score_batches(self, frames: FrameTensors, probes: Probes, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Descriptors and Jacobians as of `batches`, J v [K, M, V, W] and Laplacians [K, M, W] of the descriptors."""
        batches = list(rows)
        for batch, inputs in zip(batches, self.batches(frames, batches), strict=True):
            flat = batch.flatten()
            along = probes.first.index_select(0, flat).unflatten(0, batch.shape)
            yield (*inputs, along, probes.laplacian.index_select(0, flat).unflatten(0, batch.shape))

    def forces_and_curvature(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Forces [K, M, 3A] in eV/Å and second derivatives of the energy along V probes [K, M, V] in eV/Å^2."""
        descriptors, jacobians, first, laplacian = inputs
        _, forces = self.energy_and_forces(parameters, scaling, (descriptors, jacobians))
        second = laplacian[:, :, None]
        return forces, curvature(self.layout, self.settings, parameters, scaling, descriptors, first, second)


#: Spread of the first layer's weights over that of unit variance. Measured on ethanol: .05-.3 are alike, 1 is worse.
_FIRST_LAYER_GAIN = 0.2


def parameter_count(layout: Layout, settings: MLPSettings) -> int:
    """Number of weights P of one model."""
    return sum(math.prod(shape) for block in layout.blocks for shape in _shapes(block, settings))


def initial_parameters(layout: Layout, settings: MLPSettings, seed: int) -> Tensor:
    """Random weights [P] of one model: small on the descriptors, unit variance through the other layers.

    Small first weights make the untrained function smooth, and what the labels do not determine stays so.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for block in layout.blocks:
        for place, shape in enumerate(_shapes(block, settings)):
            spread = 1.0 / math.sqrt(shape[0]) if len(shape) == 2 else 0.5
            spread *= _FIRST_LAYER_GAIN if place == 0 else 1.0
            parts.append((spread * torch.randn(shape, generator=generator)).flatten())
    return torch.cat(parts)


def trainable_mask(layout: Layout, settings: MLPSettings, frozen_layers: int) -> Tensor:
    """Zero [P] for the weights of the first layers of every element's network, one for the others."""
    parts = []
    for block in layout.blocks:
        for place, shape in enumerate(_shapes(block, settings)):
            parts.append(torch.full((math.prod(shape),), float(place >= 2 * frozen_layers)))
    return torch.cat(parts)


def measure_scaling(layout: Layout, descriptors: Tensor, forces: Tensor) -> Scaling:
    """Scaling of one model (K = 1) from its training frames.

    Each descriptor is centred; one scale per element network brings them to unit variance on average. To bring each one
    to unit variance would magnify those that hardly move, and the function learned would be rougher.

    Args:
        layout: layout of the descriptors.
        descriptors: [N, W].
        forces: [N, 3A] eV/Å.
    """
    mean, inverse_std = torch.empty(layout.width), torch.empty(layout.width)
    for block in layout.blocks:
        cut = slice(block.start, block.stop)
        values = descriptors[:, cut].reshape(-1, len(block.channels)).double()
        spread = values.var(0, correction=0).mean().sqrt() + 1e-8
        mean[cut] = values.mean(0).float().repeat(len(block.atoms))
        inverse_std[cut] = 1.0 / float(spread)
    return Scaling(mean[None], inverse_std[None], forces.abs().mean()[None].clamp_min(1e-6))


def energy_and_forces(
    layout: Layout, settings: MLPSettings, parameters: Tensor, scaling: Scaling, descriptors: Tensor, jacobians: Tensor
) -> tuple[Tensor, Tensor]:
    """Energies and forces of M frames for each of K models.

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
    n_models, n_frames = parameters.shape[0], descriptors.shape[1]
    shared = descriptors.shape[0] == 1
    # Models that share frames in training share their scaling as well, but at prediction they may not.
    centred = descriptors - scaling.mean[:, None]
    weights = _unpack(layout, settings, parameters)
    energy = torch.zeros(n_models, n_frames, dtype=parameters.dtype)
    slopes = []
    for block in layout.blocks:
        n_channels = len(block.channels)
        hidden = centred[..., block.start : block.stop].reshape(n_models, -1, n_channels)
        inverse_std = scaling.inverse_std[:, block.start : block.start + n_channels, None]
        matrices, bends = [], []
        for layer in range(settings.layers):
            matrix, bias = next(weights), next(weights)
            if layer == 0:
                matrix = matrix * inverse_std
            matrices.append(matrix)
            hidden, bend = _silu(torch.baddbmm(bias[:, None], hidden, matrix))
            bends.append(bend)
        readout = next(weights)
        atomic = torch.bmm(hidden, readout[..., None])
        energy = energy + atomic.reshape(n_models, n_frames, -1).sum(-1)
        slope = bends[-1] * readout[:, None]
        for layer in reversed(range(settings.layers)):
            slope = torch.bmm(slope, matrices[layer].transpose(1, 2))
            if layer:
                slope = slope * bends[layer - 1]
        slopes.append(slope.reshape(n_models, n_frames, -1))
    slope = torch.cat(slopes, -1)
    if shared:
        forces = -torch.bmm(slope.transpose(0, 1), jacobians[0]).transpose(0, 1)
    else:
        flat = slope.reshape(n_models * n_frames, 1, -1)
        forces = -torch.bmm(flat, jacobians.flatten(0, 1)).reshape(n_models, n_frames, -1)
    scale = scaling.force_scale_ev_ang[:, None]
    return energy * scale, forces * scale[..., None]


def curvature(
    layout: Layout,
    settings: MLPSettings,
    parameters: Tensor,
    scaling: Scaling,
    descriptors: Tensor,
    first: Tensor,
    second: Tensor,
) -> Tensor:
    """Second derivatives of the energy of M frames along V directions each, for each of K models.

    Along x + t v the descriptors move as D + t Jv + t^2/2 D''[v,v], hence, with the derivative of E by the units h_l of
    layer l from one reverse pass and their velocity z_l' from one forward pass along v,
    E'' = (dE/dD) D''[v,v] + sum_l (dE/dh_l) silu''(z_l) z_l'^2. No Hessian is formed, and the result can be
    differentiated by the parameters. As F = -dE/dx, v^T (dF/dx) v is the negative of what is returned.

    Args:
        layout: layout of the descriptors.
        settings: size of the networks.
        parameters: [K, P].
        scaling: of the K models.
        descriptors: [K, M, W], or [1, M, W] for frames that all models share.
        first: J v, [K, M, V, W] or [1, M, V, W], per unit of v.
        second: D''[v,v], of the shape of `first`; or [., M, 1, W], the mean over the probes or a better estimate of it
            (see `asteroid.descriptors.probes`), which then takes the place of each probe's own

    Returns:
        [K, M, V] in eV per squared unit of v (eV/Å^2 for unit vectors in Å).
    """
    n_models, n_frames, n_probes = parameters.shape[0], descriptors.shape[1], first.shape[2]
    weights = _unpack(layout, settings, parameters)
    bent = torch.zeros(n_models, n_frames, n_probes, dtype=parameters.dtype)
    slopes = []
    for block in layout.blocks:
        n_channels, cut = len(block.channels), slice(block.start, block.stop)
        unit = slice(block.start, block.start + n_channels)
        hidden = (descriptors[..., cut] - scaling.mean[:, None, cut]).reshape(n_models, -1, n_channels)
        velocity = first[..., cut].reshape(len(first), -1, n_channels).expand(n_models, -1, -1)
        matrices, bends, squares = [], [], []
        for layer in range(settings.layers):
            matrix, bias = next(weights), next(weights)
            if layer == 0:
                matrix = matrix * scaling.inverse_std[:, unit, None]
            z = torch.baddbmm(bias[:, None], hidden, matrix)
            z_velocity = torch.bmm(velocity, matrix).reshape(n_models, n_frames, n_probes, -1, settings.hidden)
            gate = torch.sigmoid(z)
            hidden = z * gate
            rest = 1.0 - gate
            bend = gate + hidden * rest
            matrices.append(matrix)
            bends.append(bend)
            # silu'' = gate' (2 + z (1 - 2 gate)) with gate' = gate (1 - gate)
            squares.append((gate * rest * (2.0 + z * (rest - gate)), z_velocity))
            if layer + 1 < settings.layers:
                turned = z_velocity * bend.reshape(n_models, n_frames, 1, -1, settings.hidden)
                velocity = turned.reshape(n_models, -1, settings.hidden)
        pull = next(weights)[:, None]
        for layer in reversed(range(settings.layers)):
            bow, z_velocity = squares[layer]
            force = (pull * bow).reshape(n_models * n_frames, -1, 1)
            bent = bent + torch.bmm(z_velocity.square().flatten(3).flatten(0, 1), force).reshape(bent.shape)
            pull = torch.bmm(pull * bends[layer], matrices[layer].transpose(1, 2))
        slopes.append(pull.reshape(n_models, n_frames, -1))
    slope = torch.cat(slopes, -1)
    if second.shape[0] == 1:
        along = torch.bmm(second[0], slope.permute(1, 2, 0)).permute(2, 0, 1)
    else:
        flat = second.expand(n_models, -1, -1, -1).flatten(0, 1)
        along = torch.bmm(flat, slope.flatten(0, 1)[..., None]).reshape(n_models, n_frames, -1)
    return (bent + along) * scaling.force_scale_ev_ang[:, None, None]


def _silu(z: Tensor) -> tuple[Tensor, Tensor]:
    """SiLU and its derivative."""
    gate = torch.sigmoid(z)
    value = z * gate
    return value, gate + value * (1.0 - gate)


def _shapes(block: ElementBlock, settings: MLPSettings) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    width = len(block.channels)
    for _ in range(settings.layers):
        shapes += [(width, settings.hidden), (settings.hidden,)]
        width = settings.hidden
    return [*shapes, (settings.hidden,)]


def _unpack(layout: Layout, settings: MLPSettings, parameters: Tensor) -> Iterator[Tensor]:
    """The weights of each block in the order of `_shapes`, as views [K, ...]."""
    shapes = [shape for block in layout.blocks for shape in _shapes(block, settings)]
    # One split has one gradient; as many slices would each fill a tensor of all weights with zeros.
    parts = parameters.split([math.prod(shape) for shape in shapes], 1)
    for shape, part in zip(shapes, parts, strict=True):
        yield part.reshape(-1, *shape)
