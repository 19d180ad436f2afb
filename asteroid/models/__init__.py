"""Force-field models, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from asteroid.models.mlp import DescriptorMLP, MLPSettings
from asteroid.models.schnet import SchNet, SchNetSettings

if TYPE_CHECKING:
    from asteroid.descriptors import Layout
    from asteroid.models.network import Network

Architecture = Literal["mlp", "schnet"]

#: Settings of an architecture that the fit loop trains.
NetworkSettings = MLPSettings | SchNetSettings

#: The settings of each architecture by its name in a sweep file.
ARCHITECTURES: dict[Architecture, type[NetworkSettings]] = {"mlp": MLPSettings, "schnet": SchNetSettings}


def make_network(settings: NetworkSettings, layout: Layout) -> Network:
    """The networks of an architecture for one composition."""
    if isinstance(settings, SchNetSettings):
        return SchNet(layout.numbers, settings)
    return DescriptorMLP(layout, settings)
