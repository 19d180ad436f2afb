"""Digits that are lost before a file is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asteroid.io.file_units import FileLabels, named_units
from asteroid.io.precision import precision_notes

RNG = np.random.default_rng(0)
WATER = np.array([8, 1, 1])
R, E, F = RNG.normal(size=(20, 3, 3)), -2080.7 + RNG.normal(size=20), RNG.normal(size=(20, 3, 3))


def notes_of(unit: str = "eV", **changes: Any) -> tuple[str, ...]:
    arrays = {"positions": R, "energy": E, "forces": F} | changes
    return precision_notes(FileLabels(WATER, **arrays), named_units(unit, "Angstrom", None, "declared"))


@pytest.mark.parametrize("back", [np.float32, np.float64])
def test_digits_of_single_precision_are_noted_whatever_holds_them(back: type) -> None:
    lost = E.astype(np.float32).astype(back)
    assert notes_of(energy=lost) == (
        "energies have the digits of float32 only, in steps of 0.00024 eV: store them in double precision or subtract "
        "a constant first",
    )
    assert "0.0066 eV" in notes_of("Hartree", energy=lost)[0]


def test_numbers_in_full_and_small_ones_in_single_precision_pass() -> None:
    assert notes_of() == ()
    short = {"energy": E - E[0], "forces": F, "positions": R}
    assert notes_of(**{key: values.astype(np.float32) for key, values in short.items()}) == ()
    assert notes_of(energy=np.round(E, 5), forces=np.round(F, 4), positions=np.round(R, 5)) == ()
    assert notes_of(forces=None) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"energy": np.round(E, 2)}, "energies have the digits of 2 decimals only, in steps of 0.01 eV: write them"),
        ({"energy": np.rint(100 * E).astype(int)}, "energies have the digits of 0 decimals only, in steps of 1 eV"),
        ({"forces": np.round(F, 1)}, "forces have the digits of 1 decimal only, in steps of 0.1 eV/Å"),
        ({"positions": np.round(R, 3)}, "positions have the digits of 3 decimals only, in steps of 0.001 Å"),
        ({"positions": R.astype(np.float16)}, "positions have the digits of float16 only, in steps of 0.0004"),
    ],
)
def test_rounded_numbers_are_noted(changes: dict[str, Any], says: str) -> None:
    assert notes_of(**changes)[0].startswith(says)


def test_few_numbers_and_no_numbers_say_nothing() -> None:
    assert notes_of(positions=R[:1], energy=np.array([-1.0]), forces=F[:1]) == ()
    assert notes_of(energy=np.array(["-1.0"] * 20)) == ()
    assert notes_of(energy=np.full(20, np.nan)) == ()
