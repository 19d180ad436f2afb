"""Keys that could be energies and forces."""

from __future__ import annotations

from asteroid.io.likely_keys import likely_keys

SHAPES = {"R": (50, 6, 3), "dipole": (50, 3), "cpu_s": (50,)}


def test_names_decide_among_shapes_that_fit() -> None:
    shapes = SHAPES | {"energy_pbe": (50, 1), "grad_pbe": (50, 6, 3), "Forces_pbe": (50, 6, 3)}
    assert likely_keys(shapes, "R") == {"energy_key": "energy_pbe", "forces_key": "Forces_pbe"}


def test_there_is_no_example_of_one_without_the_other() -> None:
    assert likely_keys(SHAPES, "R") == {}
    assert likely_keys(SHAPES | {"f": (50, 6, 3)}, "") == {}
