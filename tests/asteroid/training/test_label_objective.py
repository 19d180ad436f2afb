"""The loss on labels: constants of the energy, and precision beside total energies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.models.mlp import DescriptorMLP, MLPSettings
from asteroid.models.predict import predict
from asteroid.training import fit_loop as training
from asteroid.training import label_objective
from asteroid.training.fit_loop import fit_pack
from asteroid.training.losses import weighted_loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from asteroid.descriptors.frame_bank import FrameBank, FrameTensors
    from asteroid.training.fit import Fit
    from asteroid.training.objective import Member

    Make = Callable[..., Member]
    Arrange = Callable[[Make, FrameTensors], list[Member]]

SETTINGS = MLPSettings(hidden=16)


def fit_one(bank: FrameBank, frames: FrameTensors, member: Member) -> Fit:
    return fit_pack(DescriptorMLP(bank.layout, SETTINGS), frames, [member])[0]


def assert_same(found: Fit, wanted: Fit, tolerance: float = 1e-5) -> None:
    assert float((found.parameters - wanted.parameters).abs().max()) < tolerance
    assert found.energy_shift_ev == pytest.approx(wanted.energy_shift_ev, abs=10 * tolerance)
    assert found.val_error == pytest.approx(wanted.val_error, rel=tolerance)
    np.testing.assert_allclose(found.validation_curve, wanted.validation_curve, rtol=tolerance)
    assert found.diverged_at_step is None
    assert wanted.diverged_at_step is None


def test_the_energy_constant_is_the_median_residual(
    methanol_bank: FrameBank, accurate: FrameTensors, make: Make
) -> None:
    member = make(accurate)
    fit = fit_one(methanol_bank, accurate, member)
    energy, _ = predict(
        DescriptorMLP(methanol_bank.layout, SETTINGS), accurate, member.train_rows, member.scaling, fit.parameters[None]
    )
    residual = np.sort((accurate.energy[:48] - energy[0].double()).numpy())
    assert residual[23] - 1e-5 <= fit.energy_shift_ev <= residual[24] + 1e-5
    assert fit.energy_shift_ev < -3000.0  # total energies, in eV


@pytest.mark.parametrize("offset", [-3000.0, 3140.3, 1e6])
def test_a_constant_in_the_energies_moves_only_the_shift(
    methanol_bank: FrameBank, accurate: FrameTensors, make: Make, offset: float
) -> None:
    members = [make(accurate, rho=0.5), make(accurate, rho=0.0, init=1, train=range(10, 40))]
    moved = replace(accurate, energy=accurate.energy + offset)
    plain = fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), accurate, members)
    for fit, other in zip(plain, fit_pack(DescriptorMLP(methanol_bank.layout, SETTINGS), moved, members), strict=True):
        assert other.energy_shift_ev - fit.energy_shift_ev == pytest.approx(offset, abs=1e-5)
        assert_same(replace(other, energy_shift_ev=fit.energy_shift_ev), fit)


def test_total_energies_lose_no_precision(
    methanol_bank: FrameBank, accurate: FrameTensors, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """float32 resolves 2e-4 eV of -3,140 eV, as much as is to be learned: the shift must come off in float64."""
    member = make(accurate, validations=1)
    seen: list[Tensor] = []

    def spy(energy: Tensor, *others: object) -> Tensor:
        seen.append(energy.detach().clone())
        return weighted_loss(energy, *others)

    monkeypatch.setattr(label_objective, "weighted_loss", spy)
    fit_one(methanol_bank, accurate, member)
    rows = training._batches(48, member.schedule, member.batch_seed)[0]
    energy, _ = predict(
        DescriptorMLP(methanol_bank.layout, SETTINGS),
        accurate,
        torch.arange(60),
        member.scaling,
        member.parameters[None],
    )
    residual = energy[0].double() - accurate.energy[:60]
    wanted = residual[rows] - residual[:48].mean()
    np.testing.assert_allclose(seen[0][0], wanted, atol=2e-5)


def test_no_frame_starts_on_the_kink_of_the_energy_term(
    methanol_bank: FrameBank, accurate: FrameTensors, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At dE = 0 rounding would choose the sign of a frame's pull, and packed models would leave their twins."""
    seen: list[Tensor] = []

    def spy(energy: Tensor, *others: object) -> Tensor:
        seen.append(energy.detach().abs().min())
        return weighted_loss(energy, *others)

    monkeypatch.setattr(label_objective, "weighted_loss", spy)
    for n in (7, 22, 47):
        fit_one(methanol_bank, accurate, make(accurate, train=range(n), batch_size=n, steps=1, validations=1))
    assert min(seen) > 1e-4


def test_energies_alone_train_as_a_loss_of_energies(
    methanol_bank: FrameBank, accurate: FrameTensors, make: Make
) -> None:
    """Labels without forces give the weights that rho = 0 gives, and are judged by energies."""
    network = DescriptorMLP(methanol_bank.layout, SETTINGS)
    without = replace(accurate, forces=torch.full_like(accurate.forces, torch.nan))
    members = [make(accurate, validations=1), make(accurate, init=1, train=range(10, 40), validations=1)]
    alone = [replace(member, energies_alone=True) for member in members]
    wanted = fit_pack(network, accurate, [replace(m, schedule=replace(m.schedule, rho=0.0)) for m in members])
    for own, fit, other in zip(alone, fit_pack(network, without, alone), wanted, strict=True):
        assert float((fit.parameters - other.parameters).abs().max()) < 1e-6
        assert fit.diverged_at_step is None
        (found,) = predict(network, accurate, own.val_rows, own.scaling, fit.parameters[None])[0].double()
        start = predict(network, accurate, own.train_rows, own.scaling, own.parameters[None])[0][0].double()
        zero = (accurate.energy[own.train_rows] - start).mean()
        error = (found + zero - accurate.energy[own.val_rows]).abs().mean()
        assert fit.val_error == pytest.approx(float(error), rel=1e-4)
