"""Per-atom multilayer perceptrons on descriptors, K models side by side.

The energy of a frame is a sum over atoms of a small network of the atom's descriptors, one network per element (Behler
and Parrinello, Phys. Rev. Lett. 98, 146401 (2007)). Forces are the hand-written chain rule F = -(dE/dD)(dD/dx) with the
stored Jacobian dD/dx, so that a training step needs one reverse pass and no graph of positions. All K parameter vectors
lie in one tensor [K, P] and every layer is one batched product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from asteroid.descriptors.describe import describe_values
from asteroid.descriptors.streaming import stream_batches
from asteroid.models.mlp_curvature import curvature_along
from asteroid.models.mlp_forces import energy_and_forces
from asteroid.models.mlp_parameters import initial_parameters, parameter_count, trainable_mask
from asteroid.models.mlp_positions import sum_of_mlps
from asteroid.models.network import Inputs, NetworkSettings, Scaling, Usual

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asteroid.descriptors.frame_bank import FrameTensors, Probes
    from asteroid.descriptors.layout import Layout
    from asteroid.models.mlp_positions import SummedMLPs

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

    hidden: int = field(default=32, metadata={"gt": 0, "le": 8192})
    layers: int = field(default=2, metadata={"gt": 0, "le": 100})

    architecture: ClassVar[str] = "mlp"
    usual: ClassVar[Usual] = Usual(3000, 0.007)
    packs: ClassVar[bool] = True
    packs_on_gpus: ClassVar[bool] = True
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

    frames_on_gpu: ClassVar[int] = 8192

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
            descriptors = describe_values(self.layout, frames.positions[sample]).float()
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
                descriptors = frames.descriptors.new_empty(batch.numel(), *frames.descriptors.shape[1:])
                jacobians = frames.jacobians.new_empty(batch.numel(), *frames.jacobians.shape[1:])
            torch.index_select(frames.descriptors, 0, batch.flatten(), out=descriptors)
            torch.index_select(frames.jacobians, 0, batch.flatten(), out=jacobians)
            yield descriptors.unflatten(0, batch.shape), jacobians.unflatten(0, batch.shape)

    def captures(self, frames: FrameTensors) -> bool:
        """Whether a step asks the device for nothing: frames that are described batch by batch need look-ahead."""
        return frames.jacobians is not None

    def energy_and_forces(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Energies [K, M] in eV up to a constant and forces [K, M, 3A] in eV/Å."""
        descriptors, jacobians = inputs
        return energy_and_forces(self.layout, self.settings, parameters, scaling, descriptors, jacobians)

    def summed(self, parameters: Tensor, scaling: Scaling) -> SummedMLPs:
        """The sum of K models, from positions alone."""
        return sum_of_mlps(self.layout, self.settings, parameters, scaling)

    def score_batches(self, frames: FrameTensors, probes: Probes, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Descriptors and Jacobians as of `batches`, J v [K, M, V, W] and Laplacians [K, M, W] of the descriptors."""
        batches = list(rows)
        for batch, inputs in zip(batches, self.batches(frames, batches), strict=True):
            flat = batch.flatten()
            jvp = probes.jvp.index_select(0, flat).unflatten(0, batch.shape)
            yield (*inputs, jvp, probes.laplacian.index_select(0, flat).unflatten(0, batch.shape))

    def forces_and_curvature(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Forces [K, M, 3A] in eV/Å and second derivatives of the energy along V probes [K, M, V] in eV/Å^2."""
        descriptors, jacobians, jvp, laplacian = inputs
        _, forces = self.energy_and_forces(parameters, scaling, (descriptors, jacobians))
        second = laplacian[:, :, None]
        return forces, curvature_along(self.layout, self.settings, parameters, scaling, descriptors, jvp, second)


def measure_scaling(layout: Layout, descriptors: Tensor, forces: Tensor) -> Scaling:
    """Scaling of one model (K = 1) from its training frames.

    Each descriptor is centred; one scale per element network brings them to unit variance on average. To bring each one
    to unit variance would magnify those that hardly move, and the function learned would be rougher.

    Args:
        layout: layout of the descriptors.
        descriptors: [N, W].
        forces: [N, 3A] eV/Å.
    """
    mean, inverse_std = forces.new_empty(2, layout.width).unbind()
    for block in layout.blocks:
        cut = slice(block.start, block.stop)
        values = descriptors[:, cut].reshape(-1, len(block.channels)).double()
        spread = values.var(0, correction=0).mean().sqrt() + 1e-8
        mean[cut] = values.mean(0).float().repeat(len(block.atoms))
        inverse_std[cut] = 1.0 / float(spread)
    return Scaling(mean[None], inverse_std[None], forces.abs().mean()[None].clamp_min(1e-6))
