"""MACE (Batatia et al., NeurIPS 2022, arXiv 2206.07697), as the package of models has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from asteroid.models.module_settings import ModuleSettings, published
from asteroid.models.network import Usual


@dataclass(frozen=True)
class MACESettings(ModuleSettings):
    """Size of a MACE.

    Attributes:
        l_max: highest rotation order of edges.
        l_hidden: highest rotation order of the features that are passed on.
        correlation: neighbours whose product a message is.
        n_radial: Bessel functions.
        neighbours: number of neighbours that messages are divided by.
    """

    layers: int = field(default=2, metadata={"gt": 0})
    l_max: int = field(default=3, metadata={"ge": 0, "le": 4})
    l_hidden: int = field(default=1, metadata={"ge": 0, "le": 3})
    correlation: int = field(default=3, metadata={"gt": 0, "le": 4})
    n_radial: int = field(default=8, metadata={"gt": 0})
    neighbours: float = field(default=8.0, metadata={"gt": 0})

    architecture: ClassVar[str] = "mace"
    usual: ClassVar[Usual] = Usual(4000, 0.01, ema=0.995)

    def module(self) -> Any:
        """The published module."""
        with published():
            from xnn.gnn.models.mace import MACE

            made = MACE(
                list(self.elements),
                cutoff=self.cutoff_ang,
                max_ell=self.l_max,
                max_L=self.l_hidden,
                num_channels=self.hidden,
                n_rbf=self.n_radial,
                num_interactions=self.layers,
                correlation=self.correlation,
                avg_num_neighbors=self.neighbours,
            )
        made.use_fast = False  # kernels that know no second derivative
        return made

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embedding, then rounds of messages and products."""
        rounds = [(f"interactions.{layer}.", f"products.{layer}.") for layer in range(self.layers)]
        return [("node_embedding.", "edge_feat."), *rounds]
