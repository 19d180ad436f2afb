"""SchNet as PyTorch Geometric publishes it, behind the fit loop's protocol.

Continuous-filter convolutions on interatomic distances (Schütt et al., J. Chem. Phys. 148, 241722 (2018)). Frames of
any size and composition go through PyTorch Geometric's `Batch`. The graph is given to it: all pairs within the cutoff,
so that no compiled extension of PyTorch Geometric is needed. Forces are the gradient of the energy; models of a pack
take their turns, as they share no product.
"""

from __future__ import annotations

import math
import warnings
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch.func import functional_call

from asteroid.models.network import Inputs, NetworkSettings
from asteroid.models.positions import centred_positions, force_scaling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_geometric.data import Batch

    from asteroid.descriptors.frame_bank import FrameTensors
    from asteroid.descriptors.layout import Layout
    from asteroid.models.network import Scaling


@dataclass(frozen=True)
class SchNetSettings(NetworkSettings):
    """Size of a SchNet.

    Attributes:
        hidden: features per atom, and filters.
        layers: interaction blocks.
        n_gaussians: radial functions.
        cutoff_ang: neighbours beyond this distance (Å) do not count.
    """

    hidden: int = field(default=64, metadata={"gt": 0, "le": 8192})
    layers: int = field(default=3, metadata={"gt": 0, "le": 100})
    n_gaussians: int = field(default=50, metadata={"gt": 1, "le": 10000})
    cutoff_ang: float = field(default=5.0, metadata={"gt": 1, "le": 1000})

    architecture: ClassVar[str] = "schnet"
    packs: ClassVar[bool] = False
    packs_on_gpus: ClassVar[bool] = False
    needs_descriptors: ClassVar[bool] = False
    one_composition: ClassVar[bool] = False
    matches_scores: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ("torch-geometric",)

    def network(self, layout: Layout | None) -> SchNet:  # noqa: ARG002
        """K models of this size; descriptors are of no use to them."""
        return SchNet(self)


@dataclass(frozen=True)
class SchNet:
    """SchNets as the fit loop sees them (`asteroid.models.network.Network`), for molecules of any composition.

    Attributes:
        settings: size of the networks.
    """

    settings: SchNetSettings

    frames_on_gpu: ClassVar[int] = 1

    def parameter_count(self) -> int:
        """Number of weights P of one model."""
        return sum(math.prod(shape) for shape in self._shapes.values())

    def initial_parameters(self, seed: int) -> Tensor:
        """Random weights [P] of one model, as PyTorch Geometric draws them."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._module.reset_parameters()
        return torch.cat([p.detach().flatten() for p in self._module.parameters()]).clone()

    def trainable_mask(self, frozen_layers: int) -> Tensor:
        """Zero [P] for the embedding and the first interaction blocks."""
        frozen = ["embedding.", *(f"interactions.{block}." for block in range(self.settings.layers))][:frozen_layers]
        return torch.cat(
            [
                torch.full((math.prod(shape),), float(not name.startswith(tuple(frozen))))
                for name, shape in self._shapes.items()
            ]
        )

    def measure_scaling(self, frames: FrameTensors, rows: Tensor, forces: Tensor) -> Scaling:
        """Force scale of one model; distances need none."""
        return force_scaling(frames, rows, forces)

    def batches(self, frames: FrameTensors, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Atomic numbers [K, M, A] and positions [K, M, A, 3] (float32, Å) of one batch after another."""
        batches = list(rows)
        for batch, positions in zip(batches, centred_positions(frames, batches), strict=True):
            yield frames.numbers_of(batch), positions

    def captures(self, frames: FrameTensors) -> bool:  # noqa: ARG002
        """Its neighbours are listed anew for every batch."""
        return False

    def energy_and_forces(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Energies [K, M] in eV up to a constant and forces [K, M, 3A] in eV/Å."""
        numbers, positions = inputs
        learning = torch.is_grad_enabled() and parameters.requires_grad
        graphs = [_graphs(*frames) for frames in zip(numbers, positions, strict=True)]
        places = (numbers > 0).expand(len(parameters), -1, -1)
        found = [
            self._one(own, graphs[k if len(graphs) > 1 else 0], places[k], learning) for k, own in enumerate(parameters)
        ]
        scale = scaling.force_scale_ev_ang[:, None]
        energy, forces = torch.stack([e for e, _ in found]), torch.stack([f for _, f in found])
        return energy * scale, forces * scale[..., None]

    def _one(self, parameters: Tensor, graphs: Batch, places: Tensor, learning: bool) -> tuple[Tensor, Tensor]:
        """Energies [M] and forces [M, 3A] of one model; its atoms fill some of the places [M, A]."""
        pieces = parameters.split([math.prod(shape) for shape in self._shapes.values()])
        weights = {name: p.view(shape) for (name, shape), p in zip(self._shapes.items(), pieces, strict=True)}
        with torch.enable_grad():
            at = graphs.pos.detach().requires_grad_()
            # The filters' network has two names in one module. Swapped in under both, the weights would stay in it.
            module = self._module_on(at.device)
            energy = functional_call(module, weights, (graphs.z, at, graphs.batch), tie_weights=False).squeeze(-1)
            (slope,) = torch.autograd.grad(energy.sum(), at, create_graph=learning)
        forces = slope.new_zeros(*places.shape, 3)
        forces[places] = -slope
        return energy if learning else energy.detach(), forces.flatten(1)

    def _module_on(self, device: torch.device) -> Any:
        """The module with its constants on a device; its weights are not used."""
        if device not in self._modules:
            self._modules[device] = deepcopy(self._module).to(device)
        return self._modules[device]

    @cached_property
    def _modules(self) -> dict[torch.device, Any]:
        return {torch.device("cpu"): self._module}

    @cached_property
    def _module(self) -> Any:
        settings = self.settings
        with torch.random.fork_rng(devices=[]):  # it draws weights at once, which nobody uses
            return published_geometric().nn.models.SchNet(
                hidden_channels=settings.hidden,
                num_filters=settings.hidden,
                num_interactions=settings.layers,
                num_gaussians=settings.n_gaussians,
                cutoff=settings.cutoff_ang,
                interaction_graph=self._graph,
            )

    @cached_property
    def _shapes(self) -> dict[str, torch.Size]:
        return {name: p.shape for name, p in self._module.named_parameters()}

    def _graph(self, positions: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """All ordered pairs of atoms of a frame within the cutoff: (indices [2, E], distances [E])."""
        sizes = frame.bincount()
        partners = sizes[frame]  # of each atom, itself included: they lie behind one another
        first = torch.arange(len(frame), device=frame.device).repeat_interleave(partners)
        within = torch.arange(len(first), device=frame.device) - (partners.cumsum(0) - partners).repeat_interleave(
            partners
        )
        second = (sizes.cumsum(0) - sizes)[frame[first]] + within
        edges = torch.stack([second, first])[:, first != second]
        distance = (positions[edges[0]] - positions[edges[1]]).norm(dim=-1)
        near = distance.detach() < self.settings.cutoff_ang
        return edges[:, near], distance[near]


def _graphs(numbers: Tensor, positions: Tensor) -> Batch:
    """One graph of the atoms of M frames [M, A] at their positions [M, A, 3].

    What `Batch.from_data_list` collates frame by frame, in a tenth of the time.
    """
    is_atom = numbers > 0
    sizes = is_atom.sum(1)
    return published_geometric().data.Batch(
        z=numbers[is_atom],
        pos=positions[is_atom],
        batch=torch.arange(len(sizes), device=sizes.device).repeat_interleave(sizes),
        ptr=torch.nn.functional.pad(sizes.cumsum(0), (1, 0)),
    )


@cache
def published_geometric() -> Any:
    """PyTorch Geometric, imported when asked for: that takes seconds."""
    with warnings.catch_warnings():
        # Its first import compiles classes in a way that torch has deprecated.
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        import torch_geometric
        import torch_geometric.nn.models
    return torch_geometric
