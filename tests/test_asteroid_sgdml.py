from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.models import sgdml
from asteroid.models.sgdml import (
    KernelFit,
    KernelModel,
    KernelSettings,
    SingularKernelError,
    find_permutations,
    fit_kernel,
    kernel_bytes,
    predict_kernel,
    refuse_kernel_too_large,
)
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels import FloatArray, IntArray

    Labels = tuple[IntArray, FloatArray, FloatArray, FloatArray]

ONE = KernelSettings(sigmas=(10,))
WATER = np.array([8, 1, 1])
WATER_ANG = np.array([[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]])
TWO_WATERS = np.concatenate([WATER_ANG, WATER_ANG + np.array([0.0, 0.0, 3.0])])


def morse(positions: FloatArray, rest: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A Morse potential of 4 eV on every pair, at rest where the molecule is: energies [N], forces [N, A, 3]."""
    first, second = np.triu_indices(len(rest), 1)
    equilibrium = np.linalg.norm(rest[first] - rest[second], axis=1)
    vectors = positions[:, first] - positions[:, second]
    distances = np.linalg.norm(vectors, axis=2)
    decay = np.exp(-1.5 * (distances - equilibrium))
    pull = -(4.0 * 2 * (1 - decay) * decay * 1.5 / distances)[:, :, None] * vectors
    forces = np.zeros_like(positions)
    for pair, (i, j) in enumerate(zip(first, second, strict=True)):
        forces[:, i] += pull[:, pair]
        forces[:, j] -= pull[:, pair]
    return 4.0 * ((1 - decay) ** 2).sum(axis=1), forces


def planted(rest: FloatArray, n: int, seed: int, spread_ang: float = 0.06) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    positions = rest + rng.normal(scale=spread_ang, size=(n, *rest.shape))
    return positions, *morse(positions, rest)


@pytest.fixture(scope="module")
def methanol() -> dict[str, Labels]:
    """CCSD(T) labels and their difference to GFN2-xTB: bought from replicas 0-2, in random order, and replica 3."""
    data = load_methanol()
    accurate, cheap = data.accurate, data.cheap.select(data.accurate.frame_id)
    assert accurate.energy is not None
    assert accurate.forces is not None
    assert accurate.group is not None
    assert cheap.energy is not None
    assert cheap.forces is not None
    np.testing.assert_array_equal(accurate.positions, cheap.positions)
    pool = np.random.default_rng(0).permutation(np.flatnonzero(accurate.group != 3))[:100]
    test = np.flatnonzero(accurate.group == 3)
    out: dict[str, Labels] = {}
    for name, rows in (("pool", pool), ("test", test)):
        x, e, f = accurate.positions[rows], accurate.energy[rows], accurate.forces[rows]
        out[name] = (accurate.numbers, x, e, f)
        out[f"{name} difference"] = (accurate.numbers, x, e - cheap.energy[rows], f - cheap.forces[rows])
    return out


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


def test_permutations_form_a_group_of_like_atoms(fitted: KernelFit) -> None:
    group = {tuple(p) for p in fitted.model.permutations.tolist()}
    assert tuple(range(6)) in group
    assert {tuple(a[i] for i in b) for a in group for b in group} == group
    assert all(p[0] == 0 and p[1] == 1 for p in group)


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


@pytest.mark.parametrize(("rest", "share"), [(WATER_ANG, 0.02), (TWO_WATERS, 0.2)], ids=["water", "two waters"])
def test_a_planted_potential_is_learned_ever_better(rest: FloatArray, share: float) -> None:
    numbers = np.tile(WATER, len(rest) // 3)
    x, e, f = planted(rest, 80, seed=1)
    test_x, test_e, test_f = planted(rest, 40, seed=2)
    errors = []
    for n in (10, 20, 40, 80):
        fit = fit_kernel(numbers, x[:n], e[:n], f[:n], KernelSettings(sigmas=(10, 20)), 0)
        energy, forces = predict_kernel(fit.model, numbers, test_x)
        errors.append((np.abs(forces - test_f).mean(), np.abs(energy - test_e).mean()))
    force, energy_error = np.array(errors).T
    assert (np.diff(force) < 0).all()
    assert force[-1] < share * np.abs(test_f).mean()
    assert energy_error[-1] < share * test_e.std()


def test_training_forces_are_reproduced() -> None:
    x, e, f = planted(WATER_ANG, 20, seed=3)
    fit = fit_kernel(WATER, x, e, f, KernelSettings(sigmas=(2,), regularisation=1e-13), 0)
    energy, forces = predict_kernel(fit.model, WATER, x)
    np.testing.assert_allclose(forces, f, atol=1e-7)
    np.testing.assert_allclose(energy, e, atol=0.1 * e.std())


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


@given(st.integers(0, 6), st.integers(1, 7))
def test_the_walk_finds_the_minimum_of_a_valley(lowest: int, size: int) -> None:
    grid = tuple(range(1, size + 1))
    tried = []

    def valley(_frames: object, _labels: object, _scale: float, sigma: int, _settings: object) -> float:
        tried.append(sigma)
        return abs(sigma - 1 - min(lowest, size - 1)) + 0.25 * sigma

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sgdml, "_cross_validate", valley)
        errors = sgdml._walk(None, None, 1.0, KernelSettings(sigmas=grid))
    assert min(errors, key=errors.__getitem__) == min(lowest, size - 1) + 1
    assert len(tried) == len(set(tried)) == len(errors)


def test_a_scale_without_a_factor_loses_to_one_that_has(methanol: dict[str, Labels]) -> None:
    labels = first(methanol["pool"], 5)
    settings = KernelSettings(sigmas=(10, 1_000_000), regularisation=1e-30, folds=2)
    found = fit_kernel(*labels, settings, 0)
    assert found.sigma == 10
    assert found.cross_validated_mae_ev_ang[1_000_000] == np.inf
    with pytest.raises(SingularKernelError, match="sigma 1000000 is not positive"):
        fit_kernel(*labels, replace(settings, sigmas=(1_000_000,)), 0)


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


def test_the_package_leaves_no_trace(methanol: dict[str, Labels], capfd: pytest.CaptureFixture[str]) -> None:
    sgdml._library.cache_clear()
    logger_class, threads = logging.getLoggerClass(), threading.active_count()
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    children = psutil.Process().children(recursive=True)
    numbers, x, e, f = first(methanol["pool"], 12)
    model = fit_kernel(numbers, x, e, f, KernelSettings(sigmas=(10, 20)), 0).model
    predict_kernel(model, numbers, x)
    assert capfd.readouterr() == ("", "")
    assert logging.getLoggerClass() is logger_class
    assert threading.active_count() == threads
    assert psutil.Process().children(recursive=True) == children
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert not sgdml._library().perm.glob


@pytest.mark.parametrize(
    ("numbers", "rest"),
    [
        ([8, 8], [[0.0, 0, 0], [1.2, 0, 0]]),
        ([8, 6, 8], [[-1.16, 0.0, 0], [0, 0, 0], [1.16, 0, 0]]),
        (
            [6, 1, 1, 1, 1],
            [[0.0, 0, 0], [0.63, 0.63, 0.63], [-0.63, -0.63, 0.63], [-0.63, 0.63, -0.63], [0.63, -0.63, -0.63]],
        ),
    ],
    ids=["diatomic", "linear triatomic", "methane"],
)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_frames_of_symmetric_molecules(numbers: list[int], rest: list[list[float]], n: int) -> None:
    at_rest = np.array(rest)
    x, e, f = planted(at_rest, n, seed=4)
    x[0], e[0], f[0] = at_rest, 0.0, 0.0  # exactly symmetric, exactly on a line
    if n == 1:
        f[0] = 0.1 * (at_rest - at_rest.mean(axis=0))
    settings = ONE if n == 1 else KernelSettings(sigmas=(10, 20))
    fit = fit_kernel(numbers, x, e, f, settings, 0)
    energy, forces = predict_kernel(fit.model, np.array(numbers), x)
    assert np.isfinite(energy).all()
    assert np.abs(forces - f).mean() < 0.3 * np.abs(f).mean()


def test_atoms_on_a_line_in_every_frame_are_learned() -> None:
    rest = np.array([[-1.16, 0.0, 0], [0, 0, 0], [1.16, 0, 0]])
    x, _, _ = planted(rest, 30, seed=5)
    x[:, :, 1:] = 0.0
    e, f = morse(x, rest)
    fit = fit_kernel([8, 6, 8], x[:20], e[:20], f[:20], ONE, 0)
    _, forces = predict_kernel(fit.model, np.array([8, 6, 8]), x[20:])
    assert np.abs(forces - f[20:]).mean() < 0.05 * np.abs(f[20:]).mean()


def test_a_frame_given_twice_and_forces_of_zero() -> None:
    x, e, f = planted(WATER_ANG, 12, seed=6)
    twice = fit_kernel(WATER, np.tile(x, (2, 1, 1)), np.tile(e, 2), np.tile(f, (2, 1, 1)), ONE, 0)
    once = fit_kernel(WATER, x, e, f, replace(ONE, regularisation=5e-11), 0)
    new = planted(WATER_ANG, 5, seed=7)[0]
    np.testing.assert_allclose(
        predict_kernel(twice.model, WATER, new)[1], predict_kernel(once.model, WATER, new)[1], atol=1e-5
    )
    still = fit_kernel(WATER, x, np.full(12, 3.0), np.zeros_like(f), KernelSettings(), 0)
    energy, forces = predict_kernel(still.model, WATER, new)
    np.testing.assert_array_equal(forces, 0.0)
    np.testing.assert_array_equal(energy, 3.0)


def test_many_frames_are_searched_for_symmetries_by_the_seed(methanol: dict[str, Labels]) -> None:
    numbers, positions, _, _ = methanol["test"]
    group = find_permutations(numbers, positions, 0)
    assert len(positions) > 100
    np.testing.assert_array_equal(group, find_permutations(numbers, positions, 1))
    assert group.shape == (6, 6)
    np.testing.assert_array_equal(group[0], np.arange(6))


def test_memory_is_refused_with_the_largest_number_that_fits() -> None:
    alone = replace(ONE, sigmas=(10,))
    assert kernel_bytes(1000, 21, alone) == pytest.approx(28e9, rel=0.15)
    free = 2**30
    with pytest.raises(
        InputError, match=r"1000 frames of 21 atoms needs 4\d\.\d GiB .* 1\.0 GiB .* at most (\d+)"
    ) as refusal:
        refuse_kernel_too_large(1000, 21, free)
    largest = int(str(refusal.value).split("at most ")[1].split()[0])
    assert kernel_bytes(largest, 21) <= free < kernel_bytes(largest + 1, 21)
    refuse_kernel_too_large(largest, 21, free)
    with pytest.raises(InputError, match="at most 0 frames"):
        refuse_kernel_too_large(1, 21, 10)
    refuse_kernel_too_large(10, 6)


def test_a_fit_asks_for_the_memory_first(methanol: dict[str, Labels], monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        available = 100_000

    monkeypatch.setattr(psutil, "virtual_memory", Little)
    with pytest.raises(InputError, match=r"a kernel of 50 frames of 6 atoms .* take at most \d frames"):
        fit_kernel(*first(methanol["pool"], 50), KernelSettings(), 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sigmas": ()}, "rising"),
        ({"sigmas": (20, 10)}, "rising"),
        ({"sigmas": (10, 10)}, "rising"),
        ({"sigmas": (0, 10)}, "positive"),
        ({"sigmas": (2.5,)}, "whole"),
        ({"sigmas": (10, 10**7)}, "at most 1000000"),
        ({"regularisation": 0.0}, "regularisation must be positive"),
        ({"regularisation": float("nan")}, "regularisation must be positive"),
        ({"folds": 1}, "at least 2 folds"),
    ],
)
def test_settings_are_checked(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        KernelSettings(**wrong)


def test_bad_labels_are_refused() -> None:
    x, e, f = planted(WATER_ANG, 4, seed=8)
    with pytest.raises(InputError, match=r"energies \[N\], found \[4, 3, 3\], \[4, 3, 3\] and \[3\]"):
        fit_kernel(WATER, x, e[:3], f, ONE, 0)
    with pytest.raises(InputError, match="for 2 atoms"):
        fit_kernel(WATER[:2], x, e, f, ONE, 0)
    with pytest.raises(InputError, match="reshape"):
        fit_kernel(WATER, x[:0], e[:0], f[:0], ONE, 0)
    with pytest.raises(InputError, match="found 1 atom"):
        fit_kernel([2], x[:, :1], e, f[:, :1], ONE, 0)
    with pytest.raises(InputError, match="among 2 sigmas needs 2 frames, found 1"):
        fit_kernel(WATER, x[:1], e[:1], f[:1], KernelSettings(sigmas=(10, 20)), 0)
    for name, place in (("positions", 0), ("energies", 1), ("forces", 2)):
        spoilt = (x.copy(), e.copy(), f.copy())
        spoilt[place][2] = np.nan
        with pytest.raises(InputError, match=f"{name} must be finite, frame 2 is not"):
            fit_kernel(WATER, *spoilt, ONE, 0)
    joined = x.copy()
    joined[1, 2] = joined[1, 0]
    with pytest.raises(InputError, match="two of frame 1 are in one place"):
        fit_kernel(WATER, joined, e, f, ONE, 0)
    with pytest.raises(InputError, match="not positive at 1e-300: raise the regularisation"):
        fit_kernel(
            WATER, np.tile(x, (2, 1, 1)), np.tile(e, 2), np.tile(f, (2, 1, 1)), replace(ONE, regularisation=1e-300), 0
        )


def test_other_molecules_are_not_predicted(fitted: KernelFit) -> None:
    x = np.zeros((2, 6, 3))
    with pytest.raises(InputError, match="keep their order"):
        predict_kernel(fitted.model, np.array([8, 6, 1, 1, 1, 1]), x)
    with pytest.raises(InputError, match=r"shape \[frames, 6, 3\], found \[6, 3\]"):
        predict_kernel(fitted.model, fitted.model.numbers.numpy(), x[0])
