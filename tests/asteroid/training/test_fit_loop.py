from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.models.mlp import DescriptorMLP, MLPSettings
from asteroid.models.mlp_forces import energy_and_forces
from asteroid.models.predict import predict
from asteroid.training import fit_loop as training
from asteroid.training.fit_loop import fit_pack
from asteroid.training.losses import weighted_loss
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameBank, FrameTensors
    from asteroid.training.fit import Fit
    from asteroid.training.objective import Member

    Make = Callable[..., Member]
    Arrange = Callable[[Make, FrameTensors], list[Member]]

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameBank, FrameTensors
    from asteroid.training.fit import Fit
    from asteroid.training.objective import Member

    Make = Callable[..., Member]
    Arrange = Callable[[Make, FrameTensors], list[Member]]

SETTINGS = MLPSettings(hidden=16)


def uneven(n: int, seed: int) -> Tensor:
    weights = torch.tensor(np.random.default_rng(seed).exponential(size=n), dtype=torch.float32)
    return weights / weights.mean()


def own_batches(make: Make, frames: FrameTensors) -> list[Member]:
    """Everything that may differ within a pack differs; some held-out sets are equal, others equally many."""
    return [
        make(frames, init=1, ema=0.0),
        make(frames, train=range(5, 30), init=2, batches=7, learning_rate=1e-2, rho=0.5, ema=0.9, frozen_layers=1),
        make(
            frames,
            train=range(30, 37),
            val=range(10),
            batches=3,
            warmup_steps=0,
            clip_norm=0.05,
            train_weights=uneven(7, 1),
            val_weights=uneven(10, 2),
        ),
        make(frames, train=range(20, 45), val=range(10, 20), final_rate=1.0, rho=1.0, train_weights=uneven(25, 3)),
    ]


def shared_batches(make: Make, frames: FrameTensors) -> list[Member]:
    """One set of frames and batches; weights, rates, rho and initial weights differ."""
    frame_roles = {"train": range(160), "val": range(160, 200), "batches": 5}
    return [
        make(frames, **frame_roles, init=1, ema=0.0),
        make(frames, **frame_roles, init=2, learning_rate=1e-2, rho=0.5, clip_norm=0.05),
        make(frames, **frame_roles, train_weights=uneven(160, 1), val_weights=uneven(40, 2), warmup_steps=0),
        make(frames, **frame_roles, train_weights=uneven(160, 3), ema=0.5),
    ]


PACKS = pytest.mark.parametrize(
    ("arrange", "share"),
    [(own_batches, False), (shared_batches, False), (shared_batches, True)],
    ids=["own frames", "equal frames", "shared batches"],
)


def fit_one(bank: FrameBank, frames: FrameTensors, member: Member) -> Fit:
    return fit_pack(DescriptorMLP(bank.layout, SETTINGS), frames, [member])[0]


def assert_same(found: Fit, wanted: Fit, tolerance: float = 1e-5) -> None:
    assert float((found.parameters - wanted.parameters).abs().max()) < tolerance
    assert found.energy_shift_ev == pytest.approx(wanted.energy_shift_ev, abs=10 * tolerance)
    assert found.val_error == pytest.approx(wanted.val_error, rel=tolerance)
    np.testing.assert_allclose(found.validation_curve, wanted.validation_curve, rtol=tolerance)
    assert found.diverged_at_step is None
    assert wanted.diverged_at_step is None


def assert_bits(found: Fit, wanted: Fit) -> None:
    assert torch.equal(found.parameters, wanted.parameters)
    assert replace(found, parameters=wanted.parameters) == wanted


@pytest.mark.parametrize("force_loss", ["l2", "mae"])
@PACKS
def test_a_packed_model_equals_its_unpacked_twin(
    methanol_bank: FrameBank, cheap: FrameTensors, make: Make, arrange: Arrange, share: bool, force_loss: str
) -> None:
    members = [
        replace(m, schedule=replace(m.schedule, force_loss=force_loss, validations=20)) for m in arrange(make, cheap)
    ]
    packed = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), cheap, members, share_batches=share)
    for member, fit in zip(members, packed, strict=True):
        assert float((fit.parameters - member.parameters).abs().max()) > 1e-3  # there is something to compare
        assert_same(fit, fit_one(methanol_bank, cheap, member))


@PACKS
def test_the_same_seeds_give_the_same_bits(
    methanol_bank: FrameBank, cheap: FrameTensors, make: Make, arrange: Arrange, share: bool
) -> None:
    state = torch.random.get_rng_state()
    once, again = (
        fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), cheap, arrange(make, cheap), share_batches=share)
        for _ in range(2)
    )
    for a, b in zip(once, again, strict=True):
        assert_bits(a, b)
    assert torch.equal(state, torch.random.get_rng_state())  # nobody else's random numbers are used up


def test_each_seed_and_setting_matters(methanol_bank: FrameBank, accurate: FrameTensors, make: Make) -> None:
    plain = fit_one(methanol_bank, accurate, make(accurate)).parameters
    changes: list[dict[str, object]] = [
        {"init": 1},
        {"batches": 1},
        {"learning_rate": 4e-3},
        {"warmup_steps": 4},
        {"final_rate": 0.1},
        {"batch_size": 9},
        {"rho": 0.9},
        {"force_loss": "mae"},
        {"ema": 0.3},
        {"clip_norm": 0.2},
        {"frozen_layers": 1},
        {"train_weights": uneven(48, 0)},
    ]
    for change in changes:
        other = fit_one(methanol_bank, accurate, make(accurate, **change)).parameters
        assert float((other - plain).abs().max()) > 1e-4, change


def test_the_loop_is_adam_with_clipping_and_a_running_mean(
    methanol_bank: FrameBank, accurate: FrameTensors, make: Make
) -> None:
    """The same arithmetic written with torch's own optimiser."""
    layout = methanol_bank.layout
    weights = uneven(48, 4)
    member = make(accurate, train_weights=weights, rho=0.7, clip_norm=5.0, ema=0.8, validations=1, init=3)
    schedule = member.schedule
    order = training._batches(48, schedule, member.batch_seed)
    parameters = member.parameters[None].clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=1.0)
    average = parameters.detach().clone()
    energy, _ = predict(DescriptorMLP(layout, SETTINGS), accurate, member.train_rows, member.scaling, parameters)
    shift = (accurate.energy[member.train_rows] - energy[0].double()).mean()
    clipped = 0
    for step, rows in enumerate(order):
        optimiser.zero_grad()
        energy, forces = energy_and_forces(
            layout,
            SETTINGS,
            parameters,
            member.scaling,
            accurate.descriptors[None, rows],
            accurate.jacobians[None, rows],
        )
        loss = weighted_loss(
            energy - (accurate.energy[rows] - shift).float(),
            forces - accurate.forces[rows],
            weights[None, rows],
            torch.tensor([0.7]),
            "l2",
        )
        (loss / member.scaling.force_scale_ev_ang).sum().backward()
        clipped += float(torch.nn.utils.clip_grad_norm_(parameters, 5.0)) > 5.0
        optimiser.param_groups[0]["lr"] = schedule.rate(step)
        optimiser.step()
        decay = min(0.8, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * parameters.detach()
    assert 0 < clipped < 20  # Adam forgets a factor that all gradients share
    found = fit_one(methanol_bank, accurate, member).parameters
    assert float((found - average[0]).abs().max()) < 1e-5


def test_training_beats_the_mean_force(methanol_bank: FrameBank, accurate: FrameTensors, make: Make) -> None:
    schedule = Schedule(steps=300, learning_rate=1e-2, warmup_steps=30)
    members = [make(accurate, init=seed, batches=seed, schedule=schedule) for seed in range(2)]
    mean_force = accurate.forces[:48].mean(0)
    guess = float((accurate.forces[48:] - mean_force).abs().mean())
    for fit in fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), accurate, members):
        errors = [error for _, error in fit.validation_curve]
        assert errors[-1] < 0.5 * errors[0]
        assert fit.val_error < 0.75 * guess


def test_the_best_weights_of_the_curve_are_kept(methanol_bank: FrameBank, accurate: FrameTensors, make: Make) -> None:
    """A rate that never falls makes the curve go up and down; models improve last at different steps."""
    schedule = Schedule(steps=60, learning_rate=0.05, warmup_steps=0, final_rate=1.0, ema=0.0, validations=20)
    val_weights = uneven(12, 5)
    members = [make(accurate, init=seed, batches=seed, schedule=schedule) for seed in range(3)]
    members.append(make(accurate, init=9, schedule=schedule, train_weights=uneven(48, 5), val_weights=val_weights))
    fits = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), accurate, members)
    best_steps = []
    for member, fit in zip(members, fits, strict=True):
        step, error = min(fit.validation_curve, key=lambda point: point[1])
        best_steps.append(step)
        assert fit.val_error == error
        _, forces = predict(
            DescriptorMLP(methanol_bank.layout, SETTINGS),
            accurate,
            member.val_rows,
            member.scaling,
            fit.parameters[None],
        )
        per_frame = (forces[0] - accurate.forces[member.val_rows]).abs().mean(1)
        weights = torch.ones(12) if member.val_weights is None else member.val_weights
        assert error == pytest.approx(float((per_frame * weights).sum() / weights.sum()), rel=1e-5)
    assert len(set(best_steps)) > 1
    assert min(best_steps) < 60


def test_the_curve_follows_the_schedule_and_is_told(
    methanol_bank: FrameBank, accurate: FrameTensors, make: Make
) -> None:
    told: list[tuple[int, list[float]]] = []
    fits = fit_pack(
        DescriptorMLP(methanol_bank.layout, SETTINGS),
        accurate,
        [make(accurate, steps=23, validations=4, init=seed) for seed in range(2)],
        on_validation=lambda *news: told.append(news),
    )
    assert [step for step, _ in fits[0].validation_curve] == [6, 12, 18, 23]
    for place, fit in enumerate(fits):
        assert [(step, errors[place]) for step, errors in told] == list(fit.validation_curve)


def test_a_batch_may_be_larger_than_the_set(methanol_bank: FrameBank, accurate: FrameTensors, make: Make) -> None:
    fit = fit_one(methanol_bank, accurate, make(accurate, train=range(4), batch_size=10))
    assert math.isfinite(fit.val_error)


def test_a_runaway_rate_is_seen(methanol_bank: FrameBank, accurate: FrameTensors, make: Make) -> None:
    wild = make(accurate, learning_rate=1e30)
    calm = make(accurate, init=1)
    fits = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), accurate, [wild, calm])
    assert fits[0].diverged_at_step == 2  # the first step is taken with a good loss
    assert fits[1].diverged_at_step is None


@pytest.mark.parametrize("label", ["forces", "energy"])
def test_a_bad_label_ruins_only_its_own_model(
    methanol_bank: FrameBank, cheap: FrameTensors, make: Make, label: str
) -> None:
    members = [
        make(cheap, init=1),
        make(cheap, train=range(60, 100), val=range(100, 110), init=2, batches=1),
        make(cheap, train=range(20, 50), val=range(5), init=3, batches=2),
    ]
    spoilt = replace(cheap, forces=cheap.forces.clone(), energy=cheap.energy.clone())
    getattr(spoilt, label)[70] = math.nan
    clean = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), cheap, members)
    fits = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), spoilt, members)
    assert fits[1].diverged_at_step is not None
    assert fits[1].diverged_at_step <= members[1].schedule.steps
    assert fits[1].val_error == math.inf
    for mate in (0, 2):
        assert_bits(fits[mate], clean[mate])
        assert_same(fits[mate], fit_one(methanol_bank, spoilt, members[mate]))


def test_a_bad_weight_ruins_only_its_own_model_in_shared_batches(
    methanol_bank: FrameBank, cheap: FrameTensors, make: Make
) -> None:
    members = shared_batches(make, cheap)
    clean = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), cheap, members, share_batches=True)
    bad = members[2].train_weights.clone()
    bad[3] = math.nan
    members[2] = replace(members[2], train_weights=bad)
    fits = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), cheap, members, share_batches=True)
    assert fits[2].diverged_at_step is not None
    for mate in (0, 1, 3):
        assert_bits(fits[mate], clean[mate])
        assert_same(fits[mate], fit_one(methanol_bank, cheap, members[mate]))
