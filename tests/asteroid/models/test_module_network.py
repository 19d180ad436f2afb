"""Any module behind the fit loop: a small one of this file's, for one molecule and for several, here and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from pretended_device import ELSEWHERE, PretendedDevice

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameTensors, build_bank
from asteroid.descriptors.placement import bank_on
from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes
from asteroid.models.module_network import ModuleNetwork
from asteroid.models.network import Scaling
from asteroid.training.fit_loop import StepMode, fit_pack
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

ONE = Scaling(torch.empty(1, 0), torch.empty(1, 0), torch.ones(1, dtype=torch.float64))
LEVEL = "ccsd_t/cc-pvdz"


class Pairs(torch.nn.Module):
    """A sum over neighbours of a small network of their distance, ending at 3 Å; a constant that is no weight."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(10, 4)
        self.network = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.SiLU(), torch.nn.Linear(8, 1))
        self.register_buffer("scale", torch.tensor(0.5))

    def node_energy(self, numbers: torch.Tensor, edges: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        distance = vectors.norm(dim=-1, keepdim=True)
        found = self.network(torch.cat([self.embedding(numbers)[edges[0]], distance * self.scale], 1)).squeeze(1)
        inside = (1 - (distance.squeeze(1) / 3.0).clamp_max(1.0) ** 2) ** 2
        return found.new_zeros(len(numbers)).index_add(0, edges[1], found * inside)


@dataclass(frozen=True)
class PairSource:
    elements: tuple[int, ...] = (1, 6, 8)
    reach_ang: float = 3.0
    fixed_shapes: ClassVar[bool] = True
    fitted_buffers: ClassVar[str] = ""

    def module(self) -> Any:
        return Pairs()

    def fit_buffers(self, *_: object) -> None: ...

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        return [("embedding.",), ("network.0.",)]


NETWORK = ModuleNetwork(PairSource())


@cache
def frames() -> FrameTensors:
    labels = load_methanol().accurate.select(np.arange(24))
    return build_bank(None, [BankEntry(labels, content_hashes(labels))]).levels[LEVEL]


def weights(seed: int = 0) -> torch.Tensor:
    return NETWORK.initial_parameters(seed)[None].double()


def test_weights_follow_from_the_seed_alone() -> None:
    before = torch.random.get_rng_state()
    assert torch.equal(NETWORK.initial_parameters(1), NETWORK.initial_parameters(1))
    assert not torch.equal(NETWORK.initial_parameters(1), NETWORK.initial_parameters(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert NETWORK.initial_parameters(1).shape == (NETWORK.parameter_count(),)


def test_all_pairs_of_one_molecule_give_what_the_pairs_within_the_cutoff_give() -> None:
    at, numbers = frames().positions[:3][None], frames().numbers
    at = at + torch.tensor([20.0, 0.0, 0.0]) * (torch.arange(6) == 3)[:, None]  # one atom out of reach
    energy, forces = NETWORK.energy_and_forces(weights(), ONE, (numbers, at))
    other, theirs = NETWORK.energy_and_forces(weights(), ONE, (numbers.expand(1, 3, 6), at))
    torch.testing.assert_close(energy, other)
    torch.testing.assert_close(forces, theirs)
    assert not forces.reshape(3, 6, 3)[:, 3].any()


def test_forces_are_the_falling_slope_also_where_places_hold_no_atom() -> None:
    at = frames().positions[:1][None]
    numbers = frames().numbers.clone().expand(1, 1, 6).clone()
    numbers[..., 5] = 0
    _, forces = NETWORK.energy_and_forces(weights(), ONE, (numbers, at))
    for atom in range(6):
        step = torch.zeros_like(at)
        step[..., atom, 1] = 1e-5
        up, down = (NETWORK.energy_and_forces(weights(), ONE, (numbers, at + s * step))[0] for s in (1, -1))
        assert float(forces[0, 0, 3 * atom + 1]) == pytest.approx(float(down - up) / 2e-5, abs=1e-8)
    assert not forces[0, 0, 15:].any()


def test_frozen_layers_are_counted_from_the_inputs() -> None:
    assert NETWORK.trainable_mask(0).all()
    assert int((NETWORK.trainable_mask(1) == 0).sum()) == 40
    assert int((NETWORK.trainable_mask(2) == 0).sum()) == 40 + 48


class _Tied(Pairs):
    """The first layer of the network has a second name, under which it is used again."""

    def __init__(self) -> None:
        super().__init__()
        self.again = self.network[0]

    def node_energy(self, numbers: torch.Tensor, edges: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        found = super().node_energy(numbers, edges, vectors)
        return found + self.again(self.embedding(numbers).new_ones(len(numbers), 5)).sum(1)


class _TiedSource(PairSource):
    def module(self) -> Any:
        return _Tied()


def test_a_weight_of_two_names_is_one_weight() -> None:
    network, at, numbers = ModuleNetwork(_TiedSource()), frames().positions[:2][None], frames().numbers
    assert network.parameter_count() == NETWORK.parameter_count()
    plain, tied = (own.energy_and_forces(weights(1), ONE, (numbers, at))[0] for own in (NETWORK, network))
    with torch.no_grad():
        layer = Pairs().double().network[0]
        layer.weight.copy_(weights(1)[0, 40:80].reshape(8, 5))
        layer.bias.copy_(weights(1)[0, 80:88])
        expected = 6 * layer(torch.ones(5, dtype=torch.float64)).sum()
    torch.testing.assert_close(tied - plain, expected.expand(1, 2))


def test_an_element_that_is_not_listed_is_named() -> None:
    network = ModuleNetwork(PairSource(elements=(1, 6)))
    with pytest.raises(InputError, match=r"elements are \[1, 6\], found \[1, 6, 8\]: list them under model.elements"):
        network.measure_scaling(frames(), torch.arange(3), frames().forces[:3])


@pytest.mark.parametrize("mode", ["eager", "device"])
def test_it_trains_where_the_frames_lie(mode: StepMode) -> None:
    schedule = Schedule(steps=3, learning_rate=1e-2, warmup_steps=1, batch_size=4, validations=2, frozen_layers=1)
    rows = torch.arange(20)

    def trained(on: FrameTensors, how: StepMode) -> list[torch.Tensor]:
        own = rows.to(on.device)
        scaling = NETWORK.measure_scaling(on, own, on.forces[own])
        members = [
            Member(NETWORK.initial_parameters(k).to(on.device), scaling, own, own[:5], None, None, schedule, k)
            for k in range(2)
        ]
        return [fit.parameters for fit in fit_pack(NETWORK, on, members, steps_as=how)]

    expected = trained(frames(), "eager")
    labels = load_methanol().accurate.select(np.arange(24))
    bank = build_bank(None, [BankEntry(labels, content_hashes(labels))])
    with PretendedDevice():
        found = trained(bank_on(bank, ELSEWHERE).levels[LEVEL], mode)
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other)
