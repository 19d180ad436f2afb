"""The kernel on methanol: symmetries, errors, cross-validation, and the very model of the package."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch
from scipy.spatial.transform import Rotation

from asteroid.errors import InputError
from asteroid.models.sgdml.fit import KernelFit, fit_kernel
from asteroid.models.sgdml.model import KernelModel, predict_kernel
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import FloatArray, IntArray

    Labels = tuple[IntArray, FloatArray, FloatArray, FloatArray]

ONE = KernelSettings(sigmas=(10,))


def first(labels: Labels, n: int) -> Labels:
    return labels[0], labels[1][:n], labels[2][:n], labels[3][:n]


@pytest.fixture(scope="module")
def fitted(methanol: dict[str, Labels]) -> KernelFit:
    return fit_kernel(*first(methanol["pool"], 30), ONE, 0)


def test_forces_are_the_gradient_of_the_energy(fitted: KernelFit, methanol: dict[str, Labels]) -> None:
    numbers, positions, _, _ = methanol["test"]
    x = positions[0]
    h = 1e-4
    steps = h * np.eye(18).reshape(18, 6, 3)
    (up, _), (down, _) = (
        predict_kernel(fitted.model, numbers, x + steps),
        predict_kernel(fitted.model, numbers, x - steps),
    )
    _, forces = predict_kernel(fitted.model, numbers, x[None])
    np.testing.assert_allclose(forces.ravel(), (down - up) / (2 * h), atol=2e-6)
    assert np.abs(forces).max() > 0.1


def test_energy_and_forces_turn_with_the_frame_and_ignore_the_order_of_like_atoms(
    fitted: KernelFit, methanol: dict[str, Labels]
) -> None:
    numbers, positions, _, _ = methanol["test"]
    x = positions[:5]
    energy, forces = predict_kernel(fitted.model, numbers, x)
    turn = Rotation.from_rotvec([0.3, -1.2, 0.7]).as_matrix()
    turned_energy, turned_forces = predict_kernel(fitted.model, numbers, x @ turn.T + [1.0, -2.0, 3.0])
    np.testing.assert_allclose(turned_energy, energy, atol=1e-9)
    np.testing.assert_allclose(turned_forces, forces @ turn.T, atol=1e-9)
    np.testing.assert_allclose(forces.sum(axis=1), 0.0, atol=1e-10)
    assert fitted.n_permutations == 6  # the hydrogens of the methyl group, not that of the hydroxyl
    for order in fitted.model.permutations.numpy():
        swapped_energy, swapped_forces = predict_kernel(fitted.model, numbers, x[:, order])
        np.testing.assert_allclose(swapped_energy, energy, atol=1e-9)
        np.testing.assert_allclose(swapped_forces, forces[:, order], atol=1e-9)


def test_without_symmetries_there_is_one_permutation(methanol: dict[str, Labels]) -> None:
    fit = fit_kernel(*first(methanol["pool"], 12), replace(ONE, symmetries=False), 0)
    assert fit.model.permutations.tolist() == [[0, 1, 2, 3, 4, 5]]
    numbers, positions, _, _ = methanol["test"]
    order = [0, 1, 3, 2, 4, 5]
    there, back = (predict_kernel(fit.model, numbers, x)[0] for x in (positions[:3], positions[:3, order]))
    assert np.abs(there - back).max() > 1e-4


@pytest.mark.parametrize("symmetries", [True, False])
def test_it_is_the_model_of_the_package(methanol: dict[str, Labels], symmetries: bool) -> None:
    numbers, positions, energy, forces = first(methanol["pool"], 25)
    fit = fit_kernel(numbers, positions, energy, forces, replace(ONE, symmetries=symmetries), 0)
    from sgdml.predict import GDMLPredict
    from sgdml.train import GDMLTrain

    nothing = {"dataset_name": "", "dataset_theory": "", "md5_train": "", "md5_valid": "", "idxs_valid": []}
    theirs = GDMLTrain(max_processes=1, use_torch=True).train(
        {
            **nothing,
            "z": numbers,
            "R_train": positions,
            "F_train": forces,
            "idxs_train": np.arange(25),
            "perms": fit.model.permutations.numpy(),
            "sig": 10,
            "lam": 1e-10,
            "use_E": False,
            "use_E_cstr": False,
        }
    )
    test = methanol["test"][1][:20]
    their_energy, their_forces = GDMLPredict(theirs, max_processes=1, num_workers=0).predict(test.reshape(20, -1))
    ours = predict_kernel(fit.model, numbers, test)
    scale = np.abs(their_forces).mean()
    np.testing.assert_allclose(ours[1].reshape(20, -1), their_forces, atol=1e-5 * scale)
    np.testing.assert_allclose(ours[0] - ours[0].mean(), their_energy - their_energy.mean(), atol=1e-5 * scale)


@pytest.mark.parametrize(("name", "at_25", "at_50"), [("", 1.6, 1.1), (" difference", 0.55, 0.36)])
def test_methanol_is_learned(methanol: dict[str, Labels], name: str, at_25: float, at_50: float) -> None:
    numbers, positions, energy, forces = methanol[f"test{name}"]
    for n, bound in ((25, at_25), (50, at_50)):
        fit = fit_kernel(*first(methanol[f"pool{name}"], n), KernelSettings(), 0)
        guess, found = predict_kernel(fit.model, numbers, positions)
        error = np.abs(found - forces).mean() / KCAL_PER_MOL_EV
        assert bound / 3 < error < bound
        # What cross-validation promised inside the labels, with a fifth fewer of them.
        assert 0.6 < fit.cross_validated_mae_ev_ang[fit.sigma] / KCAL_PER_MOL_EV / error < 1.7
        assert np.abs(guess - energy).mean() < 0.3 * energy.std()


def test_cross_validation_equals_refits_without_each_fold(methanol: dict[str, Labels]) -> None:
    numbers, x, e, f = first(methanol["pool"], 23)
    settings = KernelSettings(sigmas=(10, 20), symmetries=False, folds=4)
    fit = fit_kernel(numbers, x, e, f, settings, 0)
    assert set(fit.cross_validated_mae_ev_ang) == {10, 20}
    for sigma, found in fit.cross_validated_mae_ev_ang.items():
        left_out = np.empty_like(f)
        for fold in range(4):
            held = np.arange(23) % 4 == fold
            alone = replace(settings, sigmas=(sigma,))
            model = fit_kernel(numbers, x[~held], e[~held], f[~held], alone, 0).model
            left_out[held] = predict_kernel(model, numbers, x[held])[1]
        assert found == pytest.approx(np.abs(left_out - f).mean(), rel=1e-3)
    assert fit.sigma == min(fit.cross_validated_mae_ev_ang, key=fit.cross_validated_mae_ev_ang.__getitem__)


def test_energies_set_the_constant_alone(methanol: dict[str, Labels]) -> None:
    numbers, x, e, f = first(methanol["pool"], 20)
    model = fit_kernel(numbers, x, e, f, ONE, 0).model
    spoilt = e - 5000.0
    spoilt[3] += 1e4
    shifted = fit_kernel(numbers, x, spoilt, f, ONE, 0).model
    assert torch.equal(shifted.coefficients, model.coefficients)
    assert shifted.constant_ev == pytest.approx(model.constant_ev - 5000.0, abs=0.05)
    reversed_ = fit_kernel(numbers, x, -e, f, ONE, 0).model  # the package alone would warn of a flipped sign
    assert torch.equal(reversed_.coefficients, model.coefficients)
    assert np.median(e - predict_kernel(model, numbers, x)[0]) == pytest.approx(0.0, abs=1e-9)


def test_a_saved_model_is_the_very_same(fitted: KernelFit, methanol: dict[str, Labels], tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(fitted.model.tensors(), path)
    again = KernelModel.from_tensors(safetensors.torch.load_file(path))
    assert (again.sigma, again.scale_ev_ang) == (fitted.model.sigma, fitted.model.scale_ev_ang)
    numbers, positions, _, _ = methanol["test"]
    for ours, theirs in zip(
        predict_kernel(fitted.model, numbers, positions), predict_kernel(again, numbers, positions), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(InputError, match="'coefficients', which is missing"):
        KernelModel.from_tensors({k: v for k, v in fitted.model.tensors().items() if k != "coefficients"})


def test_a_fit_repeats_itself_to_the_last_bit(methanol: dict[str, Labels]) -> None:
    fits = [fit_kernel(*first(methanol["pool"], 20), KernelSettings(sigmas=(10, 20)), 0) for _ in range(2)]
    assert fits[0].cross_validated_mae_ev_ang == fits[1].cross_validated_mae_ev_ang
    for name, tensor in fits[0].model.tensors().items():
        assert torch.equal(tensor, fits[1].model.tensors()[name]), name


def test_a_frame_is_predicted_alike_in_any_company(fitted: KernelFit, methanol: dict[str, Labels]) -> None:
    numbers, positions, _, _ = methanol["test"]
    energy, forces = predict_kernel(fitted.model, numbers, positions[:150])
    for row in (0, 63, 64, 149):
        alone_energy, alone_forces = predict_kernel(fitted.model, numbers, positions[row : row + 1])
        np.testing.assert_allclose(alone_energy, energy[row], atol=1e-10)
        np.testing.assert_allclose(alone_forces[0], forces[row], atol=1e-10)
    none_energy, none_forces = predict_kernel(fitted.model, numbers, positions[:0])
    assert none_energy.shape == (0,)
    assert none_forces.shape == (0, 6, 3)


def test_a_fit_asks_for_the_memory_first(methanol: dict[str, Labels], monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        available = 100_000

    monkeypatch.setattr(psutil, "virtual_memory", Little)
    with pytest.raises(InputError, match=r"a kernel of 50 frames of 6 atoms .* take at most \d frames"):
        fit_kernel(*first(methanol["pool"], 50), KernelSettings(), 0)


def test_other_molecules_are_not_predicted(fitted: KernelFit) -> None:
    x = np.zeros((2, 6, 3))
    with pytest.raises(InputError, match="keep their order"):
        predict_kernel(fitted.model, np.array([8, 6, 1, 1, 1, 1]), x)
    with pytest.raises(InputError, match=r"shape \[frames, 6, 3\], found \[6, 3\]"):
        predict_kernel(fitted.model, fitted.model.numbers.numpy(), x[0])
