from __future__ import annotations

import math

import pytest
import torch
from difference_stages import (
    ACCURATE,
    BASE,
    CHEAP,
    KERNEL,
    bank,
    everything,
    parent,
    parents_prediction,
    stage,
    total,
)

from asteroid.descriptors.frame_bank import Prediction
from asteroid.models.predict import predict_models
from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.model import KernelModel
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.train import train_pack


@pytest.mark.parametrize("on_base", [False, True])
@pytest.mark.parametrize("on_parent", [False, True])
def test_a_kernel_is_fitted_to_the_differences(on_parent: bool, on_base: bool) -> None:
    spec = stage("kernel", parents=(parent().key,) if on_parent else (), base=BASE if on_base else None)
    (result,) = train_pack(bank(), [spec], {parent().key: parent().model})
    frames = bank().levels[ACCURATE]
    base = Prediction(torch.zeros(60, dtype=torch.float64), torch.zeros(60, 18))
    if on_base:
        base = frames.cheap[CHEAP]
    if on_parent:
        base = total(base, parents_prediction())
    energy, forces = frames.energy - base.energy, frames.forces - base.forces
    wanted = fit_kernel(
        bank().layout.numbers,
        frames.positions[:50].numpy(),
        energy[:50].numpy(),  # validation labels are its as well
        forces[:50].double().numpy().reshape(50, 6, 3),
        KERNEL,
        1,
    ).model
    assert isinstance(result.model, KernelModel)
    # The coefficients magnify the last digit of a label; the surface does not.
    found = predict_models(bank(), ACCURATE, everything(), [result.model, wanted])
    torch.testing.assert_close(found.forces[0], found.forces[1], rtol=0, atol=1e-5)
    torch.testing.assert_close(found.energy[0], found.energy[1], rtol=0, atol=1e-6)
    assert (result.status, result.validation_curve, result.spec["schedule"]) == ("ok", (), None)
    assert math.isnan(result.val_force_mae_ev_ang), "one length scale is not cross-validated"


def test_a_kernel_reports_its_cross_validated_error_and_keeps_its_seed() -> None:
    spec = stage("kernel", model=KernelSettings(sigmas=(5, 20)), base=BASE)
    one, again = train_pack(bank(), [spec, spec], {})
    assert 0 < one.val_force_mae_ev_ang < 0.5
    assert one.val_force_mae_ev_ang == again.val_force_mae_ev_ang
    assert torch.equal(one.model.coefficients, again.model.coefficients)


def test_a_singular_kernel_fails_alone() -> None:
    specs = [stage("kernel", model=KernelSettings(sigmas=(s,), regularisation=1e-30), base=BASE) for s in (10**6, 10)]
    singular, sound = train_pack(bank(), specs, {})
    assert singular.status == "a kernel with sigma 1000000 is not positive at 1e-30: raise the regularisation"
    assert math.isnan(singular.model.scale_ev_ang)
    assert sound.status == "ok"
