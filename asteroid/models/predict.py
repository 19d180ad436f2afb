"""Predictions of trained models for described frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.descriptors.frame_bank import FrameBank, FrameTensors, Prediction
from asteroid.models.network import stack_scalings
from asteroid.models.outside.model import OutsideModel, predict_outside
from asteroid.models.sgdml.model import KernelModel, predict_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.models.network import Network, NetworkSettings, Scaling
    from asteroid.models.trained import TrainedModel, TrainedNetwork


_CHUNK = 128


def predict(
    network: Network, frames: FrameTensors, rows: Tensor, scaling: Scaling, parameters: Tensor
) -> tuple[Tensor, Tensor]:
    """Predict K models of one architecture on the same frames.

    The models take their turns on each chunk of frames while its Jacobians are in the cache. One at a time on a CPU, so
    that the rounding of a prediction does not depend on which other models are asked.

    Args:
        network: the architecture.
        frames: one level's frames.
        rows: [n] rows of the frames.
        scaling: of the K models.
        parameters: [K, P].

    Returns:
        energies [K, n] (eV, without the shift) and forces [K, n, 3A] (eV/Å).
    """
    energy = parameters.new_empty(len(parameters), len(rows))
    forces = parameters.new_empty(len(parameters), len(rows), 3 * frames.positions.shape[1])
    chunk_size = min(_CHUNK, max(len(rows), 1))
    together = 1 if frames.device.type == "cpu" else max(1, network.frames_on_gpu // chunk_size)
    turns = [list(range(k, min(k + together, len(parameters)))) for k in range(0, len(parameters), together)]
    models = [(turn, parameters[turn], scaling.rows(turn)) for turn in turns]
    with torch.no_grad():
        done = 0
        for inputs in network.batches(frames, (chunk[None] for chunk in rows.split(_CHUNK))):
            cut = slice(done, min(done + _CHUNK, len(rows)))
            for turn, weights, scale in models:
                of_turn = slice(turn[0], turn[-1] + 1)
                energy[of_turn, cut], forces[of_turn, cut] = network.energy_and_forces(weights, scale, inputs)
            done = cut.stop
    return energy, forces


def predict_models(
    bank: FrameBank,
    level: str,
    rows: Tensor,
    models: Sequence[TrainedModel],
    made: dict[NetworkSettings, Network] | None = None,
) -> Prediction:
    """Predict trained models, of whatever architecture, on the same frames.

    Args:
        bank: the described frames.
        level: the level of the frames.
        rows: [n] rows of its frame tensors.
        models: K models.
        made: networks that earlier calls with the same descriptors have made, to be used again; new ones are added.

    Returns:
        energies [K, n] with their shifts, forces [K, n, 3A]; they lie where the frames do.
    """
    frames, made = bank.levels[level], {} if made is None else made
    device = frames.device
    energy = torch.empty(len(models), len(rows), dtype=torch.float64, device=device)
    forces = torch.empty(len(models), len(rows), 3 * frames.positions.shape[1], device=device)
    networks: dict[NetworkSettings, list[tuple[int, TrainedNetwork]]] = {}
    for place, model in enumerate(models):
        if isinstance(model, KernelModel):
            found = predict_kernel(model, frames.numbers.numpy(force=True), frames.positions[rows].numpy(force=True))
            energy[place] = torch.as_tensor(found[0], device=device)
            forces[place] = torch.as_tensor(found[1]).flatten(1).float().to(device)
        elif isinstance(model, OutsideModel):
            numbers, positions = frames.numbers_of(rows), frames.positions[rows].numpy(force=True)
            found = predict_outside(model, numbers.numpy(force=True), positions, device.type)
            energy[place] = torch.as_tensor(found[0], device=device) + model.zero.of(numbers)
            forces[place] = torch.as_tensor(found[1]).flatten(1).float().to(device)
        else:
            networks.setdefault(model.settings, []).append((place, model))
    for settings, alike in networks.items():
        places, own = [place for place, _ in alike], [model for _, model in alike]
        scaling = stack_scalings([m.scaling for m in own]).to(device)
        parameters = torch.stack([m.parameters for m in own]).to(device)
        if settings not in made:
            made[settings] = settings.network(bank.layout)
        found_energy, forces[places] = predict(made[settings], frames, rows, scaling, parameters)
        zeros = torch.stack([m.zero.of(frames.numbers_of(rows)) for m in own])
        energy[places] = found_energy.double() + zeros
    return Prediction(energy, forces)


def same_rows(rows: list[Tensor]) -> list[list[int]]:
    """Places grouped by equal lists of rows, so that each group is predicted on shared frames."""
    groups: list[list[int]] = []
    for model, own in enumerate(rows):
        for group in groups:
            if torch.equal(rows[group[0]], own):
                group.append(model)
                break
        else:
            groups.append([model])
    return groups
