"""A model of the user's own: it trains, and what is wrong with it is said in one line."""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameTensors, build_bank
from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes
from asteroid.models.architectures import settings_type
from asteroid.training.fit_loop import fit_pack
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
import torch


class Pairs(torch.nn.Module):
    def __init__(self, hidden, reach):
        super().__init__()
        self.elements = torch.nn.Embedding(10, hidden)
        layers = torch.nn.Linear(hidden + 1, hidden), torch.nn.SiLU(), torch.nn.Linear(hidden, 1)
        self.network = torch.nn.Sequential(*layers)
        self.reach = reach

    def forward(self, positions, numbers, batch):
        i, j = ((batch[:, None] == batch) & ~torch.eye(len(batch), dtype=torch.bool)).nonzero().unbind(1)
        distance = (positions[i] - positions[j]).norm(dim=1, keepdim=True)
        pair = self.network(torch.cat([self.elements(numbers)[i] * self.elements(numbers)[j], distance], 1))
        pair = (pair * torch.exp(-distance / self.reach)).squeeze(1)
        return WRONG


def make(hidden: int = 8, reach: float = 2.0):
    return Pairs(hidden, reach)


def make_without_defaults(hidden):
    return Pairs(hidden, 1.0)


def make_nothing(hidden: int = 8):
    return hidden


def make_narrow(width: int = 8):
    return Pairs(width, 1.0)
"""
RIGHT = "pair.new_zeros(int(batch[-1]) + 1).index_add(0, batch[i], pair)"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Name of a module in the working folder that ends as the test says."""
    name = f"own_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(MODULE.replace("WRONG", getattr(request, "param", RIGHT)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


@pytest.fixture(scope="module")
def frames() -> FrameTensors:
    labels = load_methanol().accurate.select(np.arange(12))
    return build_bank(None, [BankEntry(labels, content_hashes(labels))]).levels["ccsd_t/cc-pvdz"]


def test_it_trains_and_its_arguments_are_its_settings(written: str, frames: FrameTensors) -> None:
    settings = settings_type(f"{written}:make")(hidden=6)
    assert vars(settings) == {"hidden": 6, "reach": 2.0}
    assert pickle.loads(pickle.dumps(settings)) == settings
    network, rows = settings.network(None), torch.arange(12)
    scaling = network.measure_scaling(frames, rows, frames.forces)
    schedule = Schedule(steps=60, learning_rate=3e-2, warmup_steps=2, ema=0.9, batch_size=12, validations=3)
    start = network.initial_parameters(1)
    (fit,) = fit_pack(network, frames, [Member(start, scaling, rows, rows[:6], None, None, schedule, 0)])
    errors = [error for _, error in fit.validation_curve]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < float(frames.forces[:6].abs().mean())
    assert int((network.trainable_mask(1) == 0).sum()) == 60  # the embedding
    (inputs,) = network.batches(frames, [rows[None, :2]])
    energy, forces = network.energy_and_forces(start[None], scaling, inputs)
    other, theirs = network.energy_and_forces(start[None], scaling, (frames.numbers.expand(1, 2, 6), inputs[1]))
    torch.testing.assert_close(energy, other)
    torch.testing.assert_close(forces, theirs)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("pair", r"must return one energy for each frame, shape \[2\], found \[60\]: sum"),
        ("(pair.sum(), 0)", "must return one energy for each frame, .* found tuple"),
        (RIGHT.replace("i], pair)", "i], pair.detach())"), "must be differentiable by the positions, found a detached"),
        (f"self.elements.weight.sum() * {RIGHT.replace('pair)', 'pair.detach())')}", "found a detached graph: compute"),
        (f"{RIGHT} + pair.sum()", "depends on atoms of the second frame: keep to the batch"),
    ],
    indirect=["written"],
)
def test_what_its_module_must_not_do_is_said(written: str, message: str, frames: FrameTensors) -> None:
    network = settings_type(f"{written}:make")().network(None)
    with pytest.raises(InputError, match=message):
        network.measure_scaling(frames, torch.arange(4), frames.forces[:4])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("make_without_defaults", "have a number, a text, true or false as their default, found hidden:"),
        ("make_narrow", "must take the argument hidden"),
        ("make_nowhere", "has no function 'make_nowhere': name one that returns a torch.nn.Module"),
    ],
)
def test_what_its_function_must_have_is_said(written: str, function: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        settings_type(f"{written}:{function}")


def test_what_is_no_module_is_refused(written: str) -> None:
    with pytest.raises(InputError, match=r"must return a torch.nn.Module with weights, found int"):
        settings_type(f"{written}:make_nothing")().module()


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"'nowhere_at_all:make' cannot be imported \(ModuleNotFoundError"):
        settings_type("nowhere_at_all:make")
