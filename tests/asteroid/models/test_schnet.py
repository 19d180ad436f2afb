"""SchNet behind the fit loop's protocol: exact forces, its symmetries, packs, seeds, and training."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from asteroid.descriptors.frame_bank import FrameTensors
from asteroid.models.network import Scaling, stack_scalings
from asteroid.models.schnet import SchNet, SchNetSettings
from asteroid.stages.stage import Frames, NetworkStage, Seeds
from asteroid.stages.train import train_pack
from asteroid.training.fit_loop import fit_pack
from asteroid.training.losses import weighted_loss
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import LabelSet
    from asteroid.training.fit import Fit

SETTINGS = SchNetSettings(hidden=16, layers=2, n_gaussians=20)
ACCURATE = "ccsd_t/cc-pvdz"
METHANOL = torch.tensor([6, 8, 1, 1, 1, 1])
Sets = tuple["LabelSet", "LabelSet"]


@pytest.fixture(scope="module")
def frames(methanol_sets: Sets) -> FrameTensors:
    """60 accurate frames; SchNet reads positions, not descriptors."""
    labels = methanol_sets[0]
    return FrameTensors(
        numbers=torch.tensor(labels.numbers),
        positions=torch.tensor(labels.positions),
        descriptors=None,
        jacobians=None,
        energy=torch.tensor(labels.energy),
        forces=torch.tensor(labels.forces.reshape(60, 18), dtype=torch.float32),
    )


@pytest.fixture(scope="module")
def network() -> SchNet:
    return SchNet(SETTINGS)


def scale_of(*force_scales: float) -> Scaling:
    """In double precision, as everything that finite differences are taken of."""
    empty = torch.empty(len(force_scales), 0)
    return Scaling(empty, empty, torch.tensor(force_scales, dtype=torch.float64))


def with_numbers(positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the network reads of methanol frames [K, M, 6, 3]."""
    return METHANOL.expand(*positions.shape[:-1]), positions


def weights(network: SchNet, *seeds: int) -> torch.Tensor:
    return torch.stack([network.initial_parameters(seed) for seed in seeds]).double()


@pytest.mark.parametrize("cutoff_ang", [5.0, 2.2])  # whole molecules; pairs that come and go
def test_forces_are_the_falling_slope_of_the_energy(network: SchNet, frames: FrameTensors, cutoff_ang: float) -> None:
    near = SchNet(replace(SETTINGS, cutoff_ang=cutoff_ang))
    parameters, at, step = weights(near, 3), frames.positions[:2], 1e-4

    def energy(positions: torch.Tensor) -> torch.Tensor:
        return near.energy_and_forces(parameters, scale_of(1.7), with_numbers(positions[None]))[0][0]

    forces = near.energy_and_forces(parameters, scale_of(1.7), with_numbers(at[None]))[1][0].reshape(at.shape)
    assert float(forces.abs().max()) > 0.01
    for atom in range(6):
        for axis in range(3):
            moved = torch.zeros_like(at)
            moved[:, atom, axis] = step
            slope = (energy(at + moved) - energy(at - moved)) / (2 * step)
            torch.testing.assert_close(forces[:, atom, axis], -slope, rtol=1e-5, atol=1e-7)


def test_energies_know_no_place_orientation_or_order_of_like_atoms(network: SchNet, frames: FrameTensors) -> None:
    parameters, at = weights(network, 3), frames.positions[:4]
    turn = torch.tensor(Rotation.random(rng=np.random.default_rng(0)).as_matrix())
    hydrogens = [i for i, z in enumerate(METHANOL) if z == 1]
    order = list(range(6))
    for i, j in zip(hydrogens, hydrogens[1:] + hydrogens[:1], strict=True):
        order[i] = j
    energy, forces = network.energy_and_forces(parameters, scale_of(1.0), with_numbers(at[None]))
    forces = forces.reshape(1, 4, 6, 3)
    changes = {
        "moved": (at + torch.tensor([7.0, -3.0, 2.0]), forces),
        "turned": (at @ turn.T, forces @ turn.T),
        "exchanged": (at[:, order], forces[:, :, order]),
    }
    for name, (positions, wanted) in changes.items():
        found = network.energy_and_forces(parameters, scale_of(1.0), with_numbers(positions[None]))
        torch.testing.assert_close(found[0], energy, rtol=1e-10, atol=1e-10, msg=name)
        torch.testing.assert_close(found[1].reshape(1, 4, 6, 3), wanted, rtol=1e-8, atol=1e-9, msg=name)
    other = at.clone()
    other[:, [0, 1]] = at[:, [1, 0]]  # carbon and oxygen are not alike
    exchanged, _ = network.energy_and_forces(parameters, scale_of(1.0), with_numbers(other[None]))
    assert float((exchanged - energy).abs().min()) > 1e-4


def test_frames_of_a_batch_do_not_feel_each_other(network: SchNet, frames: FrameTensors) -> None:
    parameters = weights(network, 3)
    together = network.energy_and_forces(parameters, scale_of(1.0), with_numbers(frames.positions[None, :5]))
    for row in range(5):
        alone = network.energy_and_forces(
            parameters, scale_of(1.0), with_numbers(frames.positions[None, row : row + 1])
        )
        torch.testing.assert_close(alone[0][:, 0], together[0][:, row], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(alone[1][:, 0], together[1][:, row], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_a_pack_equals_its_models_one_by_one(network: SchNet, frames: FrameTensors, shared: bool) -> None:
    parameters, scaling = weights(network, 1, 2, 3).float(), stack_scalings([scale_of(s) for s in (0.5, 1.0, 2.0)])
    rows = torch.tensor([[4, 0, 9]]) if shared else torch.tensor([[4, 0, 9], [1, 2, 3], [7, 7, 5]])
    (inputs,) = network.batches(frames, [rows])
    energy, forces = network.energy_and_forces(parameters, scaling, inputs)
    assert (energy.shape, forces.shape) == ((3, 3), (3, 3, 18))
    for k in range(3):
        (own,) = network.batches(frames, [rows[k if len(rows) > 1 else 0][None]])
        alone = network.energy_and_forces(parameters[k : k + 1], scaling.rows(torch.tensor([k])), own)
        assert torch.equal(alone[0][0], energy[k])
        assert torch.equal(alone[1][0], forces[k])


def test_the_loss_has_the_slope_that_training_follows(network: SchNet, frames: FrameTensors) -> None:
    parameters = weights(network, 5).requires_grad_()
    inputs = with_numbers(frames.positions[None, :3])

    def loss(flat: torch.Tensor) -> torch.Tensor:
        energy, forces = network.energy_and_forces(flat, scale_of(1.3), inputs)
        wanted = frames.forces[None, :3].double()
        return weighted_loss(energy - 0.1, forces - wanted, None, torch.tensor([0.9]), "l2").sum()

    (gradient,) = torch.autograd.grad(loss(parameters), parameters)
    generator = torch.Generator().manual_seed(0)
    strong = torch.argsort(gradient[0].abs(), descending=True)[:60]
    for place in strong[torch.randperm(60, generator=generator)[:8]].tolist():
        step = torch.zeros_like(parameters)
        step[0, place] = 1e-5
        slope = (loss(parameters + step) - loss(parameters - step)) / 2e-5
        assert float(gradient[0, place]) == pytest.approx(float(slope.detach()), rel=1e-5)


def test_a_seed_draws_the_same_weights_everywhere_and_leaves_other_random_numbers_alone(network: SchNet) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    fresh = SchNet(SETTINGS)  # which builds its module at the first question
    count = fresh.parameter_count()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    again, other = fresh.initial_parameters(4), fresh.initial_parameters(5)
    assert torch.equal(again, network.initial_parameters(4)), "whatever was drawn before"
    assert torch.equal(again, fresh.initial_parameters(4))
    assert again.shape == other.shape == (count,)
    assert float((again != other).float().mean()) > 0.7
    torch.manual_seed(11)
    fresh.initial_parameters(4)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_was_predicted_leaves_no_trace(network: SchNet, frames: FrameTensors) -> None:
    fresh = SchNet(SETTINGS)
    wanted = fresh.initial_parameters(4)
    used = (wanted.clone() + 1.0).requires_grad_()
    kept = used.detach().clone()
    energy, _ = fresh.energy_and_forces(used[None], scale_of(1.0), with_numbers(frames.positions[None, :2].float()))
    assert energy.requires_grad
    with torch.no_grad():
        energy, forces = fresh.energy_and_forces(
            used[None], scale_of(1.0), with_numbers(frames.positions[None, :2].float())
        )
    assert not energy.requires_grad
    assert not forces.requires_grad
    assert torch.equal(fresh.initial_parameters(4), wanted)
    assert torch.equal(used.detach(), kept), "drawing new weights does not overwrite those of a model"


def test_frozen_layers_are_the_embedding_and_the_first_blocks(network: SchNet) -> None:
    count = network.parameter_count()
    masks = [network.trainable_mask(layers) for layers in range(4)]
    assert all(mask.shape == (count,) and set(mask.tolist()) <= {0.0, 1.0} for mask in masks)
    frozen = [int((mask == 0).sum()) for mask in masks]
    assert frozen[0] == 0
    assert frozen[1] == 100 * SETTINGS.hidden, "the embedding of 100 elements"
    assert frozen[2] - frozen[1] == frozen[3] - frozen[2] > 0
    assert frozen[3] < count, "the readout always learns"
    assert all((later <= earlier).all() for earlier, later in pairwise(masks))


SCHEDULE = Schedule(steps=60, learning_rate=1e-2, warmup_steps=5, batch_size=8, ema=0.9, validations=4)


def member(network: SchNet, frames: FrameTensors, seed: int, frozen_layers: int = 0) -> Member:
    train = torch.arange(40)
    return Member(
        parameters=network.initial_parameters(seed),
        scaling=network.measure_scaling(frames, train, frames.forces[train]),
        train_rows=train,
        val_rows=torch.arange(40, 60),
        train_weights=None,
        val_weights=None,
        schedule=replace(SCHEDULE, frozen_layers=frozen_layers),
        batch_seed=seed,
    )


def same(one: Fit, other: Fit) -> bool:
    return torch.equal(one.parameters, other.parameters) and one.validation_curve == other.validation_curve


def test_the_fit_loop_trains_it(network: SchNet, frames: FrameTensors) -> None:
    members = [member(network, frames, 1), member(network, frames, 2, frozen_layers=2)]
    torch.manual_seed(11)
    before = torch.get_rng_state()
    fits = fit_pack(network, frames, members)
    assert torch.equal(torch.get_rng_state(), before)
    mean_force = float(frames.forces[40:].abs().mean())
    for fit, start in zip(fits, members, strict=True):
        assert fit.diverged_at_step is None
        assert fit.val_error < 0.85 * mean_force
        assert fit.val_error < fit.validation_curve[0][1]
        moved = fit.parameters != start.parameters
        mask = network.trainable_mask(start.schedule.frozen_layers).bool()
        assert not moved[~mask].any()
        assert float(moved[mask].float().mean()) > 0.1  # of the embedding only three rows are ever used
    again = fit_pack(SchNet(SETTINGS), frames, members)
    assert all(same(one, other) for one, other in zip(fits, again, strict=True))
    (alone,) = fit_pack(network, frames, members[1:])
    assert float((alone.parameters - fits[1].parameters).abs().max()) < 1e-5


def test_a_chain_of_stages(methanol_bank: FrameBank, network: SchNet) -> None:
    names = tuple(methanol_bank.rows[ACCURATE])
    schedule = replace(SCHEDULE, steps=30)
    identify = NetworkStage(
        kind="identify",
        descriptors=methanol_bank.layout.settings,
        model=SETTINGS,
        schedule=schedule,
        train=Frames(ACCURATE, names[:40]),
        val=Frames(ACCURATE, names[40:60]),
        seeds=Seeds(0, 1, 2),
    )
    assert identify.to_json()["model"]["architecture"] == "schnet"
    (first,) = train_pack(methanol_bank, [identify], {})
    still = replace(schedule, learning_rate=1e-12)
    specs = [replace(identify, kind="finetune", parents=(first.key,), schedule=s) for s in (schedule, still)]
    tuned, unmoved = train_pack(methanol_bank, specs, {first.key: first.model})
    assert (first.status, tuned.status) == ("ok", "ok")
    assert tuned.model.settings == SETTINGS
    assert tuned.val_force_mae_ev_ang < first.val_force_mae_ev_ang
    torch.testing.assert_close(unmoved.model.parameters, first.model.parameters, rtol=0, atol=1e-6)
    assert unmoved.val_force_mae_ev_ang == pytest.approx(first.val_force_mae_ev_ang, rel=1e-5)
