"""ViSNet (Wang et al., Nat. Commun. 15, 313 (2024), arXiv 2210.16518), as PyTorch Geometric has it.

The parts of the published module are called here one after another, with the edges that they are given: its own search
for neighbours needs a compiled extension.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from asteroid.models.module_network import ModuleNetwork
from asteroid.models.module_settings import ModuleSettings
from asteroid.models.schnet import published_geometric

if TYPE_CHECKING:
    from asteroid.descriptors.layout import Layout

#: Attention heads.
_HEADS = 8


@dataclass(frozen=True)
class ViSNetSettings(ModuleSettings):
    """Size of a ViSNet.

    Attributes:
        hidden: features per atom; 8 heads share them, or fewer where 8 does not divide them.
        l_max: highest degree of spherical harmonics.
        n_radial: radial functions.
    """

    hidden: int = field(default=64, metadata={"gt": 0})
    l_max: int = field(default=1, metadata={"ge": 1, "le": 2})
    n_radial: int = field(default=32, metadata={"gt": 1})

    architecture: ClassVar[str] = "visnet"
    packs_on_gpus: ClassVar[bool] = False
    fixed_shapes: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ("torch-geometric",)

    def network(self, layout: Layout | None) -> ModuleNetwork:  # noqa: ARG002
        """K models of this size; descriptors are of no use to them, and it needs no other package."""
        return ModuleNetwork(self)

    def module(self) -> Any:
        """The published module, with `node_energy`."""
        return _ViSNet(
            published_geometric().nn.models.ViSNet(
                lmax=self.l_max,
                num_heads=math.gcd(_HEADS, self.hidden),
                num_layers=self.layers,
                hidden_channels=self.hidden,
                num_rbf=self.n_radial,
                cutoff=self.cutoff_ang,
            )
        )

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embeddings, then rounds of messages."""
        block = "published.representation_model."
        embeddings = tuple(f"{block}{name}." for name in ("embedding", "neighbor_embedding", "edge_embedding"))
        return [embeddings, *((f"{block}vis_mp_layers.{layer}.",) for layer in range(self.layers))]


class _ViSNet(torch.nn.Module):
    """The published module as a function of edges."""

    def __init__(self, published: Any) -> None:
        super().__init__()
        self.published = published

    def node_energy(self, numbers: Tensor, edges: Tensor, vectors: Tensor) -> Tensor:
        """Energies of atoms [n] from their numbers [n], edges [2, E] and vectors [E, 3], first to second atom."""
        block, n_atoms = self.published.representation_model, len(numbers)
        distance = vectors.norm(dim=-1)
        # Each atom is its own neighbour too, at no distance and in no direction.
        loops = torch.arange(n_atoms, device=numbers.device).expand(2, -1)
        edges = torch.cat([edges, loops], 1)
        directions = torch.cat([vectors / -distance[:, None], vectors.new_zeros(n_atoms, 3)])
        distance = torch.cat([distance, distance.new_zeros(n_atoms)])
        radial, sphere = block.distance_expansion(distance), block.sphere(directions)
        x = block.neighbor_embedding(numbers, block.embedding(numbers), edges, distance, radial)
        edge = block.edge_embedding(edges, radial, x)
        vector = x.new_zeros(n_atoms, sphere.shape[1], x.shape[1])
        for messages in block.vis_mp_layers:
            dx, dvector, dedge = messages(x, vector, edges, distance, edge, sphere)
            x, vector = x + dx, vector + dvector
            edge = edge if dedge is None else edge + dedge
        energy = self.published.output_model.pre_reduce(block.out_norm(x), block.vec_out_norm(vector))
        found: Tensor = self.published.prior_model(energy, numbers).squeeze(1)
        return found
