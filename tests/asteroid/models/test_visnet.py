"""ViSNet with given edges is the published one with neighbours of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from asteroid.models.schnet import published_geometric
from asteroid.models.visnet import ViSNetSettings

if TYPE_CHECKING:
    import pytest


def test_given_edges_take_the_place_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    published_geometric()
    from torch_geometric.nn.models import visnet

    def every_pair(pos: torch.Tensor, **_: Any) -> torch.Tensor:
        return (torch.ones(len(pos), len(pos)) > 0).nonzero().T

    monkeypatch.setattr(visnet, "radius_graph", every_pair)
    module = ViSNetSettings(hidden=8, layers=2, n_radial=4, l_max=2).module()
    numbers = torch.tensor([6, 8, 1, 1])
    positions = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    edges = (~torch.eye(4, dtype=torch.bool)).nonzero().T
    found = module.node_energy(numbers, edges, positions[edges[1]] - positions[edges[0]]).sum()
    expected, _ = module.published(numbers, positions, torch.zeros(4, dtype=torch.int64))
    torch.testing.assert_close(found, expected.squeeze())


def test_heads_share_any_width() -> None:
    assert ViSNetSettings(hidden=12).module().published.representation_model.vis_mp_layers[0].num_heads == 4
