"""GemNet-T (Gasteiger, Becker and Günnemann, NeurIPS 2021, arXiv 2106.08903), as the package of models has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from asteroid.models.module_settings import ModuleSettings, published


@dataclass(frozen=True)
class GemNetTSettings(ModuleSettings):
    """Size of a GemNet-T: the variant with triplets, its forces the gradient of its energy.

    Attributes:
        hidden: features per atom and per edge.
        n_radial: radial functions.
    """

    hidden: int = field(default=64, metadata={"gt": 0})
    n_radial: int = field(default=6, metadata={"gt": 0})

    architecture: ClassVar[str] = "gemnet_t"
    packs_on_gpus: ClassVar[bool] = False
    fixed_shapes: ClassVar[bool] = False  # it lists its triplets anew for every batch

    def module(self) -> Any:
        """The published module."""
        with published():
            from xnn.gnn.models.gemnet import GemNet

            return GemNet(
                n_features=self.hidden,
                n_edge_features=self.hidden,
                n_interactions=self.layers,
                n_rbf=self.n_radial,
                cutoff=self.cutoff_ang,
                quadruplets=False,
            )

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embeddings, then interaction blocks."""
        return [
            ("atom_embedding.", "edge_embedding.", "rbf.", "cbf.", "lin_"),
            *((f"interactions.{layer}.",) for layer in range(self.layers)),
        ]
