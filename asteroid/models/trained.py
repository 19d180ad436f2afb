"""Trained models: weights and what is needed to predict with them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from asteroid.models.energy_zero import EnergyZero
from asteroid.models.network import Scaling
from asteroid.models.outside.model import OutsideModel
from asteroid.models.outside.settings import CommandSettings
from asteroid.models.sgdml.model import KernelModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from asteroid.models.network import NetworkSettings


@dataclass(frozen=True)
class TrainedNetwork:
    """What a child stage or a prediction needs.

    Attributes:
        settings: architecture and size.
        parameters: [P] weights.
        scaling: their scaling (K = 1).
        energy_shift_ev: constant to add to the energies.
        element_energies_ev: of several formulas, energy of each element [119] to add as well; else None.
    """

    settings: NetworkSettings
    parameters: Tensor
    scaling: Scaling
    energy_shift_ev: float
    element_energies_ev: Tensor | None = None

    @property
    def zero(self) -> EnergyZero:
        """What to add to the energies."""
        return EnergyZero(self.energy_shift_ev, self.element_energies_ev)

    def tensors(self) -> dict[str, Tensor]:
        """The model as named tensors, to be saved with safetensors; `from_tensors` gives back the very same model."""
        scaling = {name: value.contiguous() for name, value in vars(self.scaling).items()}
        return {"parameters": self.parameters, **self.zero.tensors(), **scaling}

    @classmethod
    def from_tensors(cls, settings: NetworkSettings, tensors: Mapping[str, Tensor]) -> TrainedNetwork:
        """Rebuild a model from `tensors`.

        Raises:
            KeyError: a tensor is missing.
        """
        scaling = Scaling(*(tensors[field.name] for field in fields(Scaling)))
        zero = EnergyZero.from_tensors(tensors)
        return cls(settings, tensors["parameters"], scaling, zero.constant_ev, zero.elements_ev)


TrainedModel = TrainedNetwork | KernelModel | OutsideModel


def model_from_tensors(settings: NetworkSettings, tensors: Mapping[str, Tensor]) -> TrainedNetwork | OutsideModel:
    """Rebuild the model of an architecture from its `tensors`.

    Raises:
        KeyError: a tensor is missing.
    """
    if isinstance(settings, CommandSettings):
        return OutsideModel.from_tensors(settings, tensors)
    return TrainedNetwork.from_tensors(settings, tensors)
