"""The kernel on planted potentials, down to the fewest frames, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.model import predict_kernel
from asteroid.models.sgdml.settings import KernelSettings

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray

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


def test_labels_and_settings_that_cannot_be_fitted_are_refused() -> None:
    x, e, f = planted(WATER_ANG, 4, seed=8)
    with pytest.raises(InputError, match="for 2 atoms"):
        fit_kernel(WATER[:2], x, e, f, ONE, 0)
    with pytest.raises(InputError, match="among 2 sigmas needs 2 frames, found 1"):
        fit_kernel(WATER, x[:1], e[:1], f[:1], KernelSettings(sigmas=(10, 20)), 0)
    with pytest.raises(InputError, match="not positive at 1e-300: raise the regularisation"):
        fit_kernel(
            WATER, np.tile(x, (2, 1, 1)), np.tile(e, 2), np.tile(f, (2, 1, 1)), replace(ONE, regularisation=1e-300), 0
        )
