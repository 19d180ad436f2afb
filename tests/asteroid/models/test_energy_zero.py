"""The zero of energy of several molecules: planted elements found, and what stays open said."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.descriptors.frame_bank import FrameTensors
from asteroid.models.energy_zero import EnergyZero, fit_elements, fit_zero, undetermined

WATER, HYDROGEN, METHANE, METHANOL, ETHANOL = (
    [8, 1, 1, 0, 0, 0, 0, 0, 0],
    [1, 1, 0, 0, 0, 0, 0, 0, 0],
    [6, 1, 1, 1, 1, 0, 0, 0, 0],
    [6, 8, 1, 1, 1, 1, 0, 0, 0],
    [6, 6, 8, 1, 1, 1, 1, 1, 1],
)
PLANTED = torch.zeros(119, dtype=torch.float64)
PLANTED[[1, 6, 8]] = torch.tensor([-13.6, -1030.25, -2043.125], dtype=torch.float64)


def numbers_of(*frames: list[int]) -> torch.Tensor:
    return torch.tensor(frames)


def tensors_of(numbers: torch.Tensor) -> FrameTensors:
    n, atoms = numbers.shape[0], numbers.shape[-1]
    return FrameTensors(numbers, torch.zeros(n, atoms, 3), None, None, torch.zeros(n), torch.zeros(n, 3 * atoms))


def test_planted_elements_are_found() -> None:
    numbers = numbers_of(*[WATER] * 7, *[HYDROGEN] * 3, *[METHANOL] * 5)
    found = fit_elements(PLANTED[numbers].sum(-1), numbers)
    torch.testing.assert_close(found, PLANTED, rtol=0, atol=1e-9)
    torch.testing.assert_close(EnergyZero(2.0, found).of(numbers), PLANTED[numbers].sum(-1) + 2.0)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), counts=st.tuples(*[st.integers(1, 6)] * 3))
def test_the_fit_is_the_least_squares_one(seed: int, counts: tuple[int, int, int]) -> None:
    rows = [row for row, n in zip((WATER, METHANE, ETHANOL), counts, strict=True) for _ in range(n)]
    numbers = numbers_of(*rows)
    rng = np.random.default_rng(seed)
    energy = PLANTED[numbers].sum(-1) + torch.tensor(rng.normal(0.0, 3.0, len(rows)))
    atoms = np.array([[row.count(z) for z in (1, 6, 8)] for row in rows], dtype=float)
    wanted = np.linalg.lstsq(atoms, energy.numpy(), rcond=None)[0]
    np.testing.assert_allclose(fit_elements(energy, numbers)[[1, 6, 8]], wanted, rtol=1e-9, atol=1e-7)


def test_of_many_solutions_one_that_fits_is_taken() -> None:
    numbers = numbers_of(METHANOL, ETHANOL, METHANOL)
    energy = PLANTED[numbers].sum(-1)
    found = fit_elements(energy, numbers)
    torch.testing.assert_close(found[numbers].sum(-1), energy, rtol=0, atol=1e-8)
    assert float((found - PLANTED).abs().max()) > 1.0, "two formulas do not tell three elements apart"


def test_what_is_open_is_said() -> None:
    asked = numbers_of(METHANOL, WATER, ETHANOL, HYDROGEN, METHANE)
    # water = 2 methanol - ethanol
    assert undetermined(asked, numbers_of(METHANOL, ETHANOL)).tolist() == [False, False, False, True, True]
    assert undetermined(asked, numbers_of(METHANOL)).tolist() == [False, True, True, True, True]
    twice = numbers_of([1, 1, 1, 1, 0, 0, 0, 0, 0])
    assert undetermined(twice, numbers_of(HYDROGEN)).tolist() == [True], "one formula has a constant for itself"
    assert undetermined(twice, numbers_of(HYDROGEN, WATER)).tolist() == [False]
    # methane = methanol + hydrogen - water
    assert not undetermined(asked, numbers_of(METHANOL, WATER, HYDROGEN)).any()
    known = numbers_of(WATER, METHANE, HYDROGEN)
    assert not undetermined(asked, known).any()
    assert undetermined(numbers_of([7, 1, 1, 1, 0, 0, 0, 0, 0]), known).all(), "an element never seen"


def test_what_is_determined_does_not_depend_on_the_solution() -> None:
    known = numbers_of(METHANOL, METHANOL, WATER)
    asked = numbers_of(METHANOL, WATER, METHANE, ETHANOL)
    found = fit_elements(PLANTED[known].sum(-1), known)
    off = (found[asked] - PLANTED[asked]).sum(-1).abs()
    assert (off[~undetermined(asked, known)] < 1e-8).all()
    assert (off[undetermined(asked, known)] > 1e-3).all()


def test_one_molecule_has_a_constant_and_no_elements() -> None:
    missing = torch.tensor([1.0, 2.0, 9.0], dtype=torch.float64)
    frames = tensors_of(torch.tensor(WATER[:3]).expand(3, -1)[0])
    rows = torch.arange(3)
    mean, median = (fit_zero(missing, frames, rows, middle) for middle in (torch.Tensor.mean, torch.Tensor.median))
    assert (mean.constant_ev, median.constant_ev) == (4.0, 2.0)
    assert mean.elements_ev is None
    assert mean.of(frames.numbers_of(rows)).tolist() == [4.0] * 3


def test_frames_of_one_formula_have_a_constant_in_whatever_set() -> None:
    numbers = numbers_of(WATER, HYDROGEN, WATER)
    missing = torch.tensor([3.0, 5.0], dtype=torch.float64)
    zero = fit_zero(missing, tensors_of(numbers), torch.tensor([0, 2]), torch.Tensor.mean)
    assert (zero.constant_ev, zero.elements_ev) == (4.0, None)


def test_the_constant_is_what_the_elements_leave() -> None:
    numbers = numbers_of(*[WATER] * 5, *[HYDROGEN] * 5)
    noise = torch.tensor([0.0, 0.0, 0.0, 0.0, 5.0, 0.1, 0.1, 0.1, 0.1, 0.1], dtype=torch.float64)
    missing = PLANTED[numbers].sum(-1) + noise
    zero = fit_zero(missing, tensors_of(numbers), torch.arange(10), torch.Tensor.median)
    left = missing - zero.of(numbers)
    assert zero.elements_ev is not None
    assert float(left.median()) == pytest.approx(0.0, abs=1e-9)
    few = fit_zero(missing[[9, 0]], tensors_of(numbers), torch.tensor([9, 0]), torch.Tensor.mean)
    assert few.of(numbers[[9, 0]]).tolist() == pytest.approx(missing[[9, 0]].tolist(), abs=1e-8)


def test_rows_are_the_frames_own() -> None:
    numbers = numbers_of(HYDROGEN, WATER, METHANOL, ETHANOL)
    rows = torch.tensor([3, 1])
    zero = fit_zero(PLANTED[numbers[rows]].sum(-1), tensors_of(numbers), rows, torch.Tensor.mean)
    assert zero.of(numbers[rows]).tolist() == pytest.approx(PLANTED[numbers[rows]].sum(-1).tolist(), abs=1e-8)
    assert all(a != pytest.approx(b) for a, b in pairwise(zero.of(numbers).tolist()))
