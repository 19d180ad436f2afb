"""GemNet (Gasteiger, Becker and Günnemann, NeurIPS 2021, arXiv 2106.08903), as the package of models has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from asteroid.models.module_settings import ModuleSettings, published
from asteroid.models.network import Usual
from asteroid.models.spherical_bessel import SphericalBesselRadial

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GemNetSettings(ModuleSettings):
    """Size of a GemNet whose forces are the gradient of its energy.

    Attributes:
        hidden: features per atom and per edge.
        n_radial: radial functions.
    """

    hidden: int = field(default=64, metadata={"gt": 0})
    n_radial: int = field(default=6, metadata={"gt": 0})

    packs_on_gpus: ClassVar[bool] = False
    fixed_shapes: ClassVar[bool] = False  # it lists its triplets anew for every batch
    fitted_buffers: ClassVar[str] = ".scale_factor"
    usual: ClassVar[Usual] = Usual(3000, 0.002)

    @property
    def own_arguments(self) -> dict[str, Any]:
        """What the published module is told of a variant."""
        raise NotImplementedError

    def module(self) -> Any:
        """The published module."""
        with published():
            from xnn.gnn.models.gemnet import GemNet

            made = GemNet(
                n_features=self.hidden,
                n_edge_features=self.hidden,
                n_interactions=self.layers,
                n_rbf=self.n_radial,
                cutoff=self.cutoff_ang,
                **self.own_arguments,
            )
        made.cbf, made.cbf_int = SphericalBesselRadial(made.cbf), SphericalBesselRadial(made.cbf_int)
        return made

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embeddings, then interaction blocks."""
        return [
            ("atom_embedding.", "edge_embedding.", "rbf.", "cbf.", "lin_"),
            *((f"interactions.{layer}.",) for layer in range(self.layers)),
        ]

    def fit_buffers(self, module: Any, numbers: Tensor, edges: Tensor, positions: Tensor) -> None:
        """Set the scaling factors one after another, each so that what a layer sums up keeps its spread (section 6)."""
        with published():
            from xnn.common.data import AtomicGraph

            graph = AtomicGraph(
                pos=positions,
                atomic_numbers=numbers,
                edge_index=edges,
                cell_shifts=edges.new_zeros(edges.shape[1], 3),
                batch=numbers.new_zeros(len(numbers)),
                n_atoms=numbers.new_tensor([len(numbers)]),
            )
            module.fit_scaling_factors([graph])


@dataclass(frozen=True)
class GemNetTSettings(GemNetSettings):
    """Size of a GemNet-T: the variant with triplets.

    Attributes:
        hidden: features per atom and per edge.
        n_radial: radial functions.
    """

    architecture: ClassVar[str] = "gemnet_t"

    @property
    def own_arguments(self) -> dict[str, Any]:
        """No quadruplets."""
        return {"quadruplets": False}


@dataclass(frozen=True)
class GemNetQSettings(GemNetSettings):
    """Size of a GemNet-Q: triplets, and quadruplets with their dihedral angles.

    Attributes:
        hidden: features per atom and per edge.
        n_radial: radial functions.
        inner_cutoff_ang: the middle pairs of quadruplets are not farther apart than this (Å).
    """

    inner_cutoff_ang: float = field(default=10.0, metadata={"gt": 1})

    architecture: ClassVar[str] = "gemnet_q"

    @property
    def reach_ang(self) -> float:
        """Edges end here."""
        return max(self.cutoff_ang, self.inner_cutoff_ang)

    @property
    def own_arguments(self) -> dict[str, Any]:
        """Quadruplets, and how far their middle pairs reach."""
        return {"quadruplets": True, "int_cutoff": self.inner_cutoff_ang}
