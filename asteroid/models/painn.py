"""PaiNN (Schütt, Unke and Gastegger, ICML 2021, arXiv 2102.03150), as the package of models has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from asteroid.models.module_settings import ModuleSettings, published


@dataclass(frozen=True)
class PaiNNSettings(ModuleSettings):
    """Size of a PaiNN.

    Attributes:
        n_radial: Bessel functions.
    """

    hidden: int = field(default=64, metadata={"gt": 1})
    n_radial: int = field(default=20, metadata={"gt": 0})

    architecture: ClassVar[str] = "painn"

    def module(self) -> Any:
        """The published module."""
        with published():
            from xnn.gnn.models.painn import PaiNN

            return PaiNN(
                n_features=self.hidden, n_interactions=self.layers, n_rbf=self.n_radial, cutoff=self.cutoff_ang
            )

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embedding, then pairs of message and update."""
        return [("embedding.",), *((f"interactions.{layer}.",) for layer in range(self.layers))]
