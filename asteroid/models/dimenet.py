"""DimeNet++ (Gasteiger et al., 2020, arXiv 2011.14115), as the package of models has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from asteroid.models.module_settings import ModuleSettings, published
from asteroid.models.spherical_bessel import SphericalBesselRadial


@dataclass(frozen=True)
class DimeNetSettings(ModuleSettings):
    """Size of a DimeNet++.

    Attributes:
        hidden: features per edge.
        n_radial: radial functions.
        n_triplet: features that messages of triplets are narrowed to.
        n_output: features per atom before the energy.
    """

    hidden: int = field(default=64, metadata={"gt": 0})
    n_radial: int = field(default=6, metadata={"gt": 0})
    n_triplet: int = field(default=32, metadata={"gt": 0})
    n_output: int = field(default=128, metadata={"gt": 0})

    architecture: ClassVar[str] = "dimenet_pp"
    packs_on_gpus: ClassVar[bool] = False
    fixed_shapes: ClassVar[bool] = False  # it lists its triplets anew for every batch

    def module(self) -> Any:
        """The published module."""
        with published():
            from xnn.gnn.models.dimenet import DimeNetPP

            made = DimeNetPP(
                n_features=self.hidden,
                n_interactions=self.layers,
                n_rbf=self.n_radial,
                cutoff=self.cutoff_ang,
                n_triplet_features=self.n_triplet,
                n_output_features=self.n_output,
            )
        made.sbf = SphericalBesselRadial(made.sbf)
        return made

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Embedding, then interaction blocks."""
        return [("embedding.", "rbf."), *((f"interactions.{layer}.",) for layer in range(self.layers))]
