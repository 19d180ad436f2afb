from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.descriptors.frame_bank import BankEntry, FrameTensors, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp import DescriptorMLP, MLPSettings, measure_scaling
from asteroid.models.mlp_parameters import initial_parameters
from asteroid.models.schnet import SchNetSettings
from asteroid.training import score_objective
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule
from asteroid.training.score_matching import score_loss
from asteroid.training.score_objective import ScoreObjective

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import LabelSet

SETTINGS = MLPSettings(hidden=5)
KT_EV = (0.03, 0.1)


@pytest.fixture(scope="module")
def bank(methanol_sets: tuple[LabelSet, LabelSet]) -> FrameBank:
    cheap = methanol_sets[1].select(np.arange(12))
    resolution = DescriptorSettings(n_radial=3, n_angular=2, l_max=1)
    return build_bank(resolution, [BankEntry(cheap, content_hashes(cheap), n_probes=2)])


@pytest.fixture(scope="module")
def members(bank: FrameBank) -> list[Member]:
    (frames,) = bank.levels.values()
    rows = torch.arange(12)
    return [
        Member(
            parameters=initial_parameters(bank.layout, SETTINGS, seed),
            scaling=measure_scaling(bank.layout, frames.descriptors, frames.forces),
            train_rows=rows[:5],
            val_rows=rows[5:] if seed else rows[5:9],
            train_weights=None,
            val_weights=None,
            schedule=Schedule(steps=2, learning_rate=1e-3, batch_size=5),
            batch_seed=0,
            kt_ev=KT_EV[seed],
        )
        for seed in (0, 1)
    ]


def objective(bank: FrameBank, members: list[Member]) -> ScoreObjective:
    (frames,) = bank.levels.values()
    rows = torch.arange(5).expand(2, 2, 5)
    return ScoreObjective(DescriptorMLP(bank.layout, SETTINGS), frames, members, rows, share_batches=True)


def by_hand(bank: FrameBank, member: Member, rows: torch.Tensor) -> float:
    """Score-matching loss of some frames at once, eV²/Å²."""
    (frames,) = bank.levels.values()
    network = DescriptorMLP(bank.layout, SETTINGS)
    (inputs,) = network.score_batches(frames, frames.probes, [rows[None]])
    return float(
        score_loss(*network.forces_and_curvature(member.parameters[None], member.scaling, inputs), member.kt_ev)
    )


def test_the_loss_is_per_component_and_squared_force_scale(bank: FrameBank, members: list[Member]) -> None:
    whole = objective(bank, members)
    batch = next(whole.batches())
    found = whole.loss(torch.stack([m.parameters for m in members]), batch, 0)
    scale = float(members[0].scaling.force_scale_ev_ang)
    wanted = [by_hand(bank, member, torch.arange(5)) / (18 * scale**2) for member in members]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_validation_is_a_mean_over_each_members_frames_whatever_the_chunk(
    bank: FrameBank, members: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_objective, "_CHUNK", 3)
    whole = objective(bank, members)
    parameters = torch.stack([m.parameters for m in members])
    wanted = [by_hand(bank, member, member.val_rows) for member in members]
    np.testing.assert_allclose(whole.validate(parameters), wanted, rtol=1e-4)
    assert [zero.constant_ev for zero in whole.energy_zeros(parameters)] == [0.0, 0.0]


def test_frames_without_probes_and_networks_without_curvature_are_refused(
    bank: FrameBank, members: list[Member]
) -> None:
    (frames,) = bank.levels.values()
    bare = FrameTensors(frames.numbers, frames.positions, None, None, frames.energy, frames.forces)
    rows = torch.arange(5).expand(2, 2, 5)
    for network, given in ((DescriptorMLP(bank.layout, SETTINGS), bare), (SchNetSettings().network(None), frames)):
        with pytest.raises(ValueError, match="needs a network with second derivatives and frames with probes"):
            ScoreObjective(network, given, members, rows, share_batches=True)
