"""The published architectures: forces, symmetries, and what is missing without their package."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.models.dimenet import DimeNetSettings
from asteroid.models.gemnet import GemNetQSettings, GemNetTSettings
from asteroid.models.mace import MACESettings
from asteroid.models.nequip import NequIPSettings
from asteroid.models.network import Scaling
from asteroid.models.painn import PaiNNSettings
from asteroid.models.tensornet import TensorNetSettings
from asteroid.models.visnet import ViSNetSettings

if TYPE_CHECKING:
    from asteroid.models.module_network import ModuleNetwork
    from asteroid.models.module_settings import ModuleSettings

ONE = Scaling(torch.empty(1, 0), torch.empty(1, 0), torch.ones(1, dtype=torch.float64))
SMALL = [
    PaiNNSettings(hidden=8, layers=2),
    NequIPSettings(hidden=4, layers=2),
    MACESettings(hidden=4, layers=2, l_max=2, correlation=2),
    GemNetTSettings(hidden=8, layers=1),
    GemNetQSettings(hidden=8, layers=1),
    DimeNetSettings(hidden=8, layers=1, n_triplet=4, n_output=8),
    TensorNetSettings(hidden=4, layers=1, n_radial=8),
    ViSNetSettings(hidden=8, layers=2, n_radial=8, l_max=2),
]
LABELS = load_methanol().accurate.select(np.arange(2))
NUMBERS, POSITIONS = torch.as_tensor(LABELS.numbers.copy()), torch.as_tensor(LABELS.positions.copy())[None]


@cache
def network(settings: ModuleSettings) -> ModuleNetwork:
    return settings.network(None)


@cache
def weights(settings: ModuleSettings) -> torch.Tensor:
    return network(settings).initial_parameters(0)[None].double()


def predicted(
    settings: ModuleSettings, at: torch.Tensor, numbers: torch.Tensor = NUMBERS
) -> tuple[torch.Tensor, torch.Tensor]:
    energy, forces = network(settings).energy_and_forces(weights(settings), ONE, (numbers, at))
    return energy, forces.reshape(at.shape)


@pytest.mark.parametrize("settings", SMALL, ids=lambda s: s.architecture)
def test_forces_are_the_falling_slope_of_the_energy(settings: ModuleSettings) -> None:
    _, forces = predicted(settings, POSITIONS)
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        way = torch.randn(POSITIONS.shape, generator=generator, dtype=torch.float64)
        up, down = (predicted(settings, POSITIONS + s * 2e-5 * way)[0] for s in (1, -1))
        torch.testing.assert_close((down - up) / 4e-5, (forces * way).sum((-1, -2)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("settings", SMALL, ids=lambda s: s.architecture)
def test_turned_moved_and_reordered_molecules_are_the_same(settings: ModuleSettings) -> None:
    energy, forces = predicted(settings, POSITIONS)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64))[0]
    turn = turn * torch.linalg.det(turn).sign()
    turned, theirs = predicted(settings, POSITIONS @ turn.T + 2.0)
    torch.testing.assert_close(turned, energy)
    torch.testing.assert_close(theirs, forces @ turn.T)
    order = torch.tensor([0, 1, 5, 4, 3, 2])
    swapped, theirs = predicted(settings, POSITIONS[:, :, order], NUMBERS[order])
    torch.testing.assert_close(swapped, energy)
    torch.testing.assert_close(theirs, forces[:, :, order])


@pytest.mark.parametrize("settings", SMALL, ids=lambda s: s.architecture)
def test_neighbours_out_of_reach_do_not_count(settings: ModuleSettings) -> None:
    far = POSITIONS.clone()
    far[:, :, 0] += 20.0
    energy, _ = predicted(settings, far)
    listed, _ = predicted(settings, far, NUMBERS.expand(1, 2, 6))
    torch.testing.assert_close(energy, listed)


@pytest.mark.parametrize("settings", SMALL, ids=lambda s: s.architecture)
def test_layers_have_weights_of_their_own(settings: ModuleSettings) -> None:
    frozen = [int((network(settings).trainable_mask(n) == 0).sum()) for n in range(settings.layers + 2)]
    assert frozen[0] == 0
    assert frozen == sorted(set(frozen))
    assert frozen[-1] < network(settings).parameter_count()


@pytest.mark.parametrize("settings", [SMALL[1], SMALL[6]], ids=lambda s: s.architecture)
def test_models_of_one_batch_are_those_of_their_own(settings: ModuleSettings) -> None:
    from torch.func import vmap

    both = torch.stack([weights(settings)[0], network(settings).initial_parameters(4).double()])

    def energy(own: torch.Tensor) -> torch.Tensor:
        return network(settings)._of_one_molecule(own[None], NUMBERS, POSITIONS, ONE)[0]

    alone = torch.stack([energy(own) for own in both])  # makes the module, which is not to be made inside of vmap
    torch.testing.assert_close(vmap(energy)(both), alone)


def test_elements_are_a_tuple_however_they_are_read() -> None:
    assert replace(SMALL[0], elements=[1, 6]) == replace(SMALL[0], elements=(1, 6))


def test_the_package_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xnn.gnn.models", None)
    with pytest.raises(InputError, match="needs the extra 'models'"):
        SMALL[0].network(None)
