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


def test_at_the_papers_settings_it_is_the_authors_model() -> None:
    """Energy and forces of TUM-DAML/gemnet_pytorch with these weights, its parameter count and scaling factors."""
    module = GemNetTSettings(hidden=128, layers=4).module().double()
    count = sum(weights.numel() for weights in module.parameters())
    factors = [own for own in module.modules() if type(own).__name__ == "ScaleFactor"]
    # The authors' has embeddings of 93 elements for 100 here, no energies of elements, and counts scaling factors.
    assert len(factors) == 4 * (2 + 1) + 5
    assert count - 7 * 128 - 100 + len(factors) == 1_892_311
    with torch.no_grad():
        for place, (name, weights) in enumerate(module.named_parameters()):
            if name in ("rbf.freqs", "atom_ref.weight"):
                continue  # Bessel frequencies and zeros, as they are
            fan_in = weights.shape[-1] if weights.ndim == 2 else weights.shape[0] * weights.shape[1]
            wave = torch.sin(1.7 * torch.arange(weights.numel(), dtype=torch.float64) ** 1.1 + place)
            weights.copy_((wave * (2 / fan_in) ** 0.5).reshape(weights.shape))
        for place, factor in enumerate(factors):
            factor.scale_factor.fill_(0.5 + 0.1 * place)
    labels = load_methanol().accurate
    positions, numbers = torch.tensor(labels.positions[0]).requires_grad_(), torch.tensor(labels.numbers)
    edges = torch.tensor([(i, j) for j in range(6) for i in range(6) if i != j]).T
    energy = module.node_energy(numbers, edges, positions[edges[1]] - positions[edges[0]]).sum()
    (slope,) = torch.autograd.grad(energy, positions)
    torch.testing.assert_close(energy.item(), 0.216867664201191, rtol=1e-7, atol=0.0)
    first = torch.tensor([0.039587823474625264, -0.038726319949111784, -3.03492875618999e-05], dtype=torch.float64)
    torch.testing.assert_close(-slope[0], first, rtol=0.0, atol=1e-8)
