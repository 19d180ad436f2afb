"""GemNet's scaling factors: fitted to the training frames alone, and used at every prediction."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.labels.label_set import content_hashes
from asteroid.models.gemnet import GemNetTSettings

SETTINGS = GemNetTSettings(hidden=4, layers=1, n_radial=3)


def test_scaling_factors_keep_the_spread_of_the_training_frames() -> None:
    labels = load_methanol().accurate.select(np.arange(6))
    frames = build_bank(None, [BankEntry(labels, content_hashes(labels))]).levels["ccsd_t/cc-pvdz"]
    network, rows = SETTINGS.network(None), torch.arange(6)
    scaling = network.measure_scaling(frames, rows, frames.forces)
    again = network.measure_scaling(frames, rows, 2 * frames.forces)
    assert torch.equal(scaling.inverse_std, again.inverse_std)
    assert (scaling.inverse_std != 1).all()
    parameters = network.initial_parameters(0)[None]
    (inputs,) = network.batches(frames, [rows[None]])
    energy, _ = network.energy_and_forces(parameters, scaling, inputs)
    # The published module, fitted by itself.
    module = deepcopy(network._first).module
    numbers, positions = frames.numbers.repeat(6), inputs[1].reshape(-1, 3)
    frame = torch.arange(6).repeat_interleave(6)
    edges = ((frame[:, None] == frame) & ~torch.eye(36, dtype=torch.bool)).nonzero().T
    SETTINGS.fit_buffers(module, numbers, edges, positions)
    expected = module.node_energy(numbers, edges, positions[edges[1]] - positions[edges[0]]).reshape(6, 6).sum(1)
    torch.testing.assert_close(energy[0], expected * scaling.force_scale_ev_ang.float(), check_dtype=False)
    # A model from before the fit has none, which are ones.
    older, _ = network.energy_and_forces(parameters, type(scaling)(scaling.mean, scaling.mean, torch.ones(1)), inputs)
    plain = deepcopy(network._first).module.node_energy(numbers, edges, positions[edges[1]] - positions[edges[0]])
    torch.testing.assert_close(older[0], plain.reshape(6, 6).sum(1))
