"""TensorNet (Simeon and De Fabritiis, NeurIPS 2023, arXiv 2306.06482), as the package of models has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from asteroid.models.module_settings import ModuleSettings, published


@dataclass(frozen=True)
class TensorNetSettings(ModuleSettings):
    """Size of a TensorNet.

    Attributes:
        hidden: tensors of rank 2 per atom.
        n_radial: radial functions.
    """

    hidden: int = field(default=64, metadata={"gt": 1})
    layers: int = field(default=2, metadata={"gt": 0})
    n_radial: int = field(default=32, metadata={"gt": 1})

    architecture: ClassVar[str] = "tensornet"

    def module(self) -> Any:
        """The published module."""
        with published():
            from xnn.gnn.models.tensornet import TensorNet

            return TensorNet(
                n_features=self.hidden, n_interactions=self.layers, n_rbf=self.n_radial, cutoff=self.cutoff_ang
            )

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embedding, then interaction layers."""
        return [("tensor_embedding.",), *((f"layers.{layer}.",) for layer in range(self.layers))]
