from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.models.mlp import measure_scaling

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.descriptors.layout import Layout


def test_scaling_brings_descriptors_to_order_one(methanol_bank: FrameBank) -> None:
    layout = methanol_bank.layout
    frames = methanol_bank.levels["gfn2-xtb"]
    scaling = measure_scaling(layout, frames.descriptors, frames.forces)
    assert scaling.mean.shape == scaling.inverse_std.shape == (1, layout.width)
    assert scaling.force_scale_ev_ang.tolist() == [pytest.approx(float(frames.forces.abs().mean()))]
    scaled = (frames.descriptors - scaling.mean) * scaling.inverse_std
    for block in layout.blocks:
        n = len(block.channels)
        values = scaled[:, block.start : block.stop].reshape(-1, n)
        assert values.mean(0).abs().max() < 1e-3
        assert float(values.var(0, correction=0).mean()) == pytest.approx(1.0, rel=1e-4)
        # Like atoms share one network, so they share their scaling.
        for part in (scaling.mean, scaling.inverse_std):
            per_atom = part[0, block.start : block.stop].reshape(-1, n)
            assert torch.equal(per_atom, per_atom[:1].expand_as(per_atom))


def test_a_descriptor_that_hardly_moves_is_not_blown_up(layout: Layout) -> None:
    rng = np.random.default_rng(2)
    described = torch.tensor(rng.normal(size=(30, layout.width)), dtype=torch.float32)
    block = layout.blocks[1]
    described[:, block.start] = 3.0 + 1e-3 * described[:, block.start]  # one atom: this is one channel
    scaling = measure_scaling(layout, described, torch.zeros(30, 18))
    assert len(block.atoms) == 1
    scaled = ((described - scaling.mean) * scaling.inverse_std)[:, block.start : block.stop].std(0)
    assert float(scaled[0]) < 2e-3
    assert float(scaled[1:].min()) > 0.5
    assert float(scaling.force_scale_ev_ang[0]) > 0.0
