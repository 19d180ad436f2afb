"""NequIP (Batzner et al., Nat. Commun. 13, 2453 (2022), arXiv 2101.03164), as the package of models has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from asteroid.models.module_settings import ModuleSettings, published
from asteroid.models.network import Usual


@dataclass(frozen=True)
class NequIPSettings(ModuleSettings):
    """Size of a NequIP.

    Attributes:
        l_max: highest rotation order of features and edges.
        parity: features of both parities for each order.
        n_radial: Bessel functions.
        radial_hidden: width of the networks that weigh messages by distance.
        neighbours: number of neighbours that messages are divided by the square root of.
    """

    l_max: int = field(default=2, metadata={"ge": 0, "le": 4})
    parity: bool = False
    n_radial: int = field(default=8, metadata={"gt": 0})
    radial_hidden: int = field(default=64, metadata={"gt": 0})
    neighbours: float = field(default=8.0, metadata={"gt": 0})

    architecture: ClassVar[str] = "nequip"
    usual: ClassVar[Usual] = Usual(4000, 0.01, ema=0.995)

    def module(self) -> Any:
        """The published module."""
        with published():
            from xnn.gnn.models.nequip import NequIP

            made = NequIP(
                list(self.elements),
                cutoff=self.cutoff_ang,
                l_max=self.l_max,
                parity=self.parity,
                n_rbf=self.n_radial,
                n_layers=self.layers,
                num_features=self.hidden,
                invariant_neurons=self.radial_hidden,
                avg_num_neighbors=self.neighbours,
            )
        made.use_fast = False  # kernels that know no second derivative
        return made

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embedding, then rounds of messages."""
        return [("chemical_embedding.", "edge_feat."), *((f"layers.{layer}.",) for layer in range(self.layers))]
