"""Force-field models: one file and one line of this table for each architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.models.dimenet import DimeNetSettings
from asteroid.models.gemnet import GemNetQSettings, GemNetTSettings
from asteroid.models.mace import MACESettings
from asteroid.models.mlp import MLPSettings
from asteroid.models.nequip import NequIPSettings
from asteroid.models.outside.settings import CommandSettings
from asteroid.models.own_module import own_settings
from asteroid.models.painn import PaiNNSettings
from asteroid.models.schnet import SchNetSettings
from asteroid.models.tensornet import TensorNetSettings
from asteroid.models.visnet import ViSNetSettings

if TYPE_CHECKING:
    from asteroid.models.network import NetworkSettings

#: The settings of every architecture that the fit loop trains; the first is the default of sweep files.
ARCHITECTURES: tuple[type[NetworkSettings], ...] = (
    MLPSettings,
    SchNetSettings,
    PaiNNSettings,
    NequIPSettings,
    MACESettings,
    GemNetTSettings,
    GemNetQSettings,
    DimeNetSettings,
    TensorNetSettings,
    ViSNetSettings,
)
#: And those that sweep files may name but no search can choose, as they have no defaults.
NAMED: tuple[type[NetworkSettings], ...] = (*ARCHITECTURES, CommandSettings)


def settings_type(architecture: str) -> type[NetworkSettings]:
    """The settings of an architecture by its name in sweep files and stage records: `module:factory`, `command` too.

    Raises:
        KeyError: no architecture has this name.
        InputError: a function of the user's that cannot be imported or used.
    """
    if ":" in architecture:
        return own_settings(architecture)
    return {settings.architecture: settings for settings in NAMED}[architecture]
