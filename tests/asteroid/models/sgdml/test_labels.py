from __future__ import annotations

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.models.sgdml.labels import checked_kernel_labels

WATER = np.array([8, 1, 1])
REST_ANG = np.array([[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]])


def labels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    return REST_ANG + rng.normal(scale=0.06, size=(4, 3, 3)), rng.normal(size=4), rng.normal(size=(4, 3, 3))


def test_sound_labels_come_back_as_they_are() -> None:
    given = (WATER, *labels())
    for found, wanted in zip(checked_kernel_labels(WATER.tolist(), *given[1:]), given, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_labels_of_other_shapes_are_refused() -> None:
    x, e, f = labels()
    with pytest.raises(InputError, match=r"energies \[N\], found \[4, 3, 3\], \[4, 3, 3\] and \[3\]"):
        checked_kernel_labels(WATER, x, e[:3], f)
    with pytest.raises(InputError, match="for 2 atoms"):
        checked_kernel_labels(WATER[:2], x, e, f)
    with pytest.raises(InputError, match="reshape"):
        checked_kernel_labels(WATER, x[:0], e[:0], f[:0])
    with pytest.raises(InputError, match="found 1 atom"):
        checked_kernel_labels([2], x[:, :1], e, f[:, :1])


@pytest.mark.parametrize(("name", "place"), [("positions", 0), ("energies", 1), ("forces", 2)])
def test_a_value_that_is_not_finite_is_refused_with_its_frame(name: str, place: int) -> None:
    spoilt = labels()
    spoilt[place][2] = np.nan
    with pytest.raises(InputError, match=f"{name} must be finite, frame 2 is not"):
        checked_kernel_labels(WATER, *spoilt)


def test_atoms_in_one_place_are_refused() -> None:
    x, e, f = labels()
    x[1, 2] = x[1, 0]
    with pytest.raises(InputError, match="two of frame 1 are in one place"):
        checked_kernel_labels(WATER, x, e, f)
