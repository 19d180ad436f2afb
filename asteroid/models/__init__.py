"""Force-field models, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from asteroid.models.mlp import DescriptorMLP, MLPSettings
from asteroid.models.schnet import SchNet, SchNetSettings

if TYPE_CHECKING:
    from asteroid.descriptors.layout import Layout
    from asteroid.models.network import Network

Architecture = Literal["mlp", "schnet"]

#: Settings of an architecture that the fit loop trains.
NetworkSettings = MLPSettings | SchNetSettings

#: The settings of each architecture by its name in a sweep file.
ARCHITECTURES: dict[Architecture, type[NetworkSettings]] = {"mlp": MLPSettings, "schnet": SchNetSettings}

#: Architectures that learn from descriptors, which are laid out for one composition.
DESCRIPTOR_MODELS: tuple[Architecture, ...] = ("mlp",)


def make_network(settings: NetworkSettings, layout: Layout | None) -> Network:
    """The networks of an architecture.

    Args:
        settings: which architecture, and its size.
        layout: the descriptors of the molecule; None where there are none.

    Raises:
        ValueError: the architecture needs descriptors.
    """
    if isinstance(settings, SchNetSettings):
        return SchNet(settings)
    if layout is None:
        raise ValueError("the descriptor model needs the descriptors of one composition")
    return DescriptorMLP(layout, settings)
