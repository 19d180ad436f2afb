"""One term of an exported model: its settings to the record, and settings and tensors back to the model."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.deploy.record import TermRecord
from asteroid.errors import InputError
from asteroid.models.sgdml.model import KernelModel
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.models.trained import TrainedNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from asteroid.descriptors.layout import Layout
    from asteroid.models.trained import TrainedModel


def record_of(model: TrainedModel) -> TermRecord:
    """What is needed beside its tensors to rebuild a model.

    Raises:
        InputError: its architecture is the user's own code, which no folder takes along.
    """
    if isinstance(model, KernelModel):
        return TermRecord(architecture=KernelSettings.architecture, settings={})
    if not model.settings.exports:
        raise InputError(
            f"exported models need no code of others, found architecture {model.settings.architecture}: export a model "
            "of an architecture of this program"
        )
    return TermRecord(architecture=model.settings.architecture, settings=asdict(model.settings))


def model_of(record: TermRecord, tensors: Mapping[str, Tensor], layout: Layout | None) -> TrainedModel:
    """Rebuild a model; its tensors are checked against its settings before anything is allocated.

    Args:
        record: from `record_of`.
        tensors: from the model's `tensors`.
        layout: descriptors of the molecule, or None.

    Raises:
        InputError, KeyError, ValueError: settings or tensors do not belong to a model.
    """
    if record.is_kernel:
        kernel = KernelModel.from_tensors(tensors)
        _refuse_other_kernel(kernel)
        return kernel
    settings = record.network_settings()
    network = TrainedNetwork.from_tensors(settings, tensors)
    n_parameters = len(network.parameters)
    if network.parameters.shape != (n_parameters,) or settings.hidden**2 * (_layers(record) - 1) > n_parameters:
        raise ValueError(f"{n_parameters} weights are not those of a network of such a size")
    expected = settings.network(layout)
    if expected.parameter_count() != n_parameters:
        raise ValueError(f"a network of such a size has {expected.parameter_count()} weights, found {n_parameters}")
    width = layout.width if settings.needs_descriptors and layout is not None else 0
    scaling = network.scaling
    shapes = [tuple(value.shape) for value in (scaling.mean, scaling.inverse_std, scaling.force_scale_ev_ang)]
    if shapes != [(1, width), (1, width), (1,)]:
        raise ValueError(f"a scaling of {width} descriptors has other shapes than {shapes}")
    elements = network.element_energies_ev
    if elements is not None and elements.shape != (119,):
        raise ValueError(f"element energies have the shape [119], found {list(elements.shape)}")
    return network


def _layers(record: TermRecord) -> int:
    return int(record.settings.get("layers", 1))


def _refuse_other_kernel(kernel: KernelModel) -> None:
    n_atoms, n_frames = len(kernel.numbers), len(kernel.descriptors)
    shape = (n_frames, n_atoms * (n_atoms - 1) // 2)
    if kernel.descriptors.shape != shape or kernel.coefficients.shape != shape or not n_frames:
        raise ValueError(f"a kernel of {n_atoms} atoms has other shapes than {list(kernel.descriptors.shape)}")
    order = np.sort(kernel.permutations.numpy(), axis=-1)
    if order.ndim != 2 or order.shape[1] != n_atoms or not (order == np.arange(n_atoms)).all():
        raise ValueError("a kernel needs permutations of its atoms")
    if kernel.numbers.dtype != torch.int64 or kernel.sigma < 1:
        raise ValueError("a kernel needs atomic numbers and a positive length")
