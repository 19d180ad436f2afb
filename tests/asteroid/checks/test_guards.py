from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from guarded_methanol import methanol, refused, with_value
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from asteroid.checks.guards import check_labels, drop_duplicates, refuse_leak
from asteroid.datasets import load_methanol
from asteroid.errors import InputError


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("field", ["positions", "energy", "forces"])
def test_broken_numbers_are_refused_by_frame(field: str, value: float) -> None:
    frame = methanol().frame_id[7]
    assert f"NaN or infinity in frame {frame}:" in refused(with_value(field, 7, value))


def test_missing_labels_are_refused() -> None:
    assert "needs forces" in refused(replace(methanol(), forces=None))
    assert "needs energies" in refused(replace(methanol(), energy=None))
    assert "needs frames" in refused(methanol().select([]))


def test_all_zero_forces_are_refused_by_frame() -> None:
    forces = np.array(methanol().forces)
    forces[[3, 5, 6, 7, 8, 9, 10]] = 0.0
    message = refused(replace(methanol(), forces=forces))
    assert f"zeros in frames {methanol().frame_id[3]}, " in message
    assert "and 2 more" in message


def test_the_zero_of_a_constraint_is_refused_in_one_frame_and_in_all() -> None:
    forces = np.array(methanol().forces)
    forces[3, 2] = 0.0
    message = refused(replace(methanol(), forces=forces))
    assert message.startswith(f"frame {methanol().frame_id[3]} of labels.npz must have forces that add up to zero")
    assert "the force of atom 2 is zero, as a constraint leaves it" in message
    forces[:, 0] = 0.0
    assert "in the median frame" in refused(replace(methanol(), forces=forces))


def test_copies_are_refused_and_can_be_dropped() -> None:
    labels = methanol().select([*range(20), 4])
    frame = methanol().frame_id[4]
    assert f"found 1 copies (frames {frame} = {frame})" in refused(labels)
    kept, dropped = drop_duplicates(labels)
    assert dropped.tolist() == [20]
    assert kept.frame_id.tolist() == methanol().frame_id[:20].tolist()
    check_labels(kept, "labels.npz")
    assert drop_duplicates(kept)[0] is kept


@given(seed=st.integers(0, 10**6), planted=st.integers(1, 8))
@settings(max_examples=20)
def test_leaks_are_refused_in_any_orientation(seed: int, planted: int) -> None:
    rng = np.random.default_rng(seed)
    train, test = methanol().select(np.arange(40)), methanol().select(np.arange(40, 60))
    refuse_leak(train, test, "training frames")
    rows = rng.permutation(20)[:planted]
    turn = Rotation.random(planted, rng=rng).as_matrix()
    leaked = np.einsum("nij,naj->nai", turn, test.positions[rows]).astype(np.float32)
    leaked = leaked[:, [0, 1, *(2 + rng.permutation(4))]]
    positions = np.array(train.positions)
    places = rng.permutation(40)[:planted]
    positions[places] = leaked
    with pytest.raises(InputError, match=f"found {planted} ") as caught:
        refuse_leak(replace(train, positions=positions), test, "training frames")
    message = str(caught.value)
    assert "\n" not in message
    assert str(train.frame_id[np.sort(places)[0]]) in message
    assert "remove them from training" in message


def test_neighbours_in_time_are_no_leak() -> None:
    cheap = load_methanol().cheap
    refuse_leak(cheap.select(np.arange(0, 2000, 2)), cheap.select(np.arange(1, 2000, 2)), "training frames")
