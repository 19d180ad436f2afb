from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.label_set import (
    LabelSet,
    content_hashes,
    geometry_hashes,
    hash_order,
    hash_values,
)


def frames(n: int, seed: int = 0) -> LabelSet:
    rng = np.random.default_rng(seed)
    return LabelSet(
        numbers=np.array([8, 1, 1]),
        positions=rng.normal(size=(n, 3, 3)),
        energy=rng.normal(-2000.0, 1.0, size=n),
        forces=rng.normal(size=(n, 3, 3)),
        level="gfn2-xtb",
        cpu_s=rng.uniform(size=n),
        frame_id=np.arange(n) + 100,
        group=np.arange(n) % 3,
    )


def test_arrays_are_read_only_copies() -> None:
    positions = np.zeros((2, 3, 3))
    labels = LabelSet(np.array([8, 1, 1], dtype=np.uint8), positions, None, None, "hf")
    positions[:] = 7.0
    assert not labels.positions.any()
    assert labels.numbers.dtype == np.int64
    assert LabelSet(labels.numbers, np.zeros((1, 3, 3), np.float32), None, None, "hf").positions.dtype == np.float64
    assert labels.frame_id.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        labels.positions[0, 0, 0] = 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.zeros((2, 9))}, r"found \[2, 9\]"),
        ({"numbers": np.array([8, 1])}, "numbers needs the shape"),
        ({"numbers": np.array([8, 1, 0])}, "between 1 and 118"),
        ({"energy": np.zeros((2, 1))}, r"energy needs the shape \[2\], found \[2, 1\]"),
        ({"forces": np.zeros((2, 3))}, "forces needs the shape"),
        ({"group": np.array([0.5, 1.0])}, "whole numbers"),
        ({"group": np.array(["a", "b"])}, "whole numbers"),
        ({"frame_id": np.array([1, 2, 3])}, "frame_id needs the shape"),
        ({"level": "CCSD(T)/cc-pVDZ"}, "write 'ccsd_t/cc-pvdz'"),
    ],
)
def test_wrong_shapes_and_values_are_refused_in_one_line(change: dict[str, object], message: str) -> None:
    fields: dict[str, object] = {
        "numbers": np.array([8, 1, 1]),
        "positions": np.zeros((2, 3, 3)),
        "energy": np.zeros(2),
        "forces": np.zeros((2, 3, 3)),
        "level": "hf",
    }
    with pytest.raises(InputError, match=message) as caught:
        LabelSet(**{**fields, **change})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_select_keeps_every_field_together() -> None:
    labels = frames(6)
    assert labels.energy is not None
    assert labels.cpu_s is not None
    for rows in ([4, 1], np.array([False, True, False, False, True, False])):
        chosen = labels.select(rows)
        order = [4, 1] if isinstance(rows, list) else [1, 4]
        assert chosen.frame_id.tolist() == [100 + i for i in order]
        assert chosen.group is not None
        assert chosen.group.tolist() == [i % 3 for i in order]
        np.testing.assert_array_equal(chosen.energy, labels.energy[order])
        np.testing.assert_array_equal(chosen.cpu_s, labels.cpu_s[order])
        assert [content_hashes(labels)[i] for i in order] == content_hashes(chosen)
    assert len(labels.select([])) == 0


@given(n=st.integers(2, 40), seed=st.integers(-3, 2**40), shuffle=st.integers(0, 1000))
def test_order_does_not_depend_on_the_order_of_rows(n: int, seed: int, shuffle: int) -> None:
    labels = frames(n)
    moved = labels.select(np.random.default_rng(shuffle).permutation(n))
    assert moved.frame_id[hash_order(moved, seed)].tolist() == labels.frame_id[hash_order(labels, seed)].tolist()


@given(n=st.integers(1, 30), more=st.integers(1, 30), seed=st.integers(0, 1000))
def test_adding_frames_moves_no_other(n: int, more: int, seed: int) -> None:
    both = frames(n + more)
    few = both.select(np.arange(n))
    later = hash_order(both, seed)
    assert later[later < n].tolist() == hash_order(few, seed).tolist()


def test_order_depends_on_seed_and_purpose_but_not_on_labels() -> None:
    labels = frames(50)
    bare = LabelSet(labels.numbers, labels.positions, None, None, "hf")
    assert hash_order(labels, 0).tolist() == hash_order(bare, 0).tolist()
    assert hash_order(labels, 0).tolist() != hash_order(labels, 1).tolist()
    assert np.abs(np.corrcoef(hash_values(labels, 0, "order"), hash_values(labels, 0, "test"))[0, 1]) < 0.5


def test_the_order_of_labelling_says_nothing_of_the_order_of_buying() -> None:
    frames = load_methanol().cheap.select(np.arange(0, 20_000, 20))
    labelled, bought = (np.argsort(hash_order(frames, 0, purpose)) for purpose in ("label", "order"))
    assert abs(float(np.corrcoef(labelled, bought)[0, 1])) < 0.1
    first = np.flatnonzero(labelled < 100)
    assert np.median(bought[first]) == pytest.approx(500, abs=100), "what is labelled first is bought at any time"


def test_hash_values_are_uniform() -> None:
    values = hash_values(frames(4000), 3, "order") / 2.0**64
    assert np.abs(np.histogram(values, bins=10, range=(0, 1))[0] - 400).max() < 5 * np.sqrt(400)


def test_geometry_hash_sees_single_precision_and_signed_zeros_as_equal() -> None:
    labels = frames(3)
    single = LabelSet(labels.numbers, labels.positions.astype(np.float32), None, None, "hf")
    assert geometry_hashes(single) == geometry_hashes(labels)
    zero = LabelSet(np.array([1]), np.zeros((1, 1, 3)), None, None, "hf")
    assert geometry_hashes(zero) == geometry_hashes(LabelSet(np.array([1]), -zero.positions, None, None, "hf"))
    assert geometry_hashes(zero) != geometry_hashes(LabelSet(np.array([2]), zero.positions, None, None, "hf"))


def test_content_hash_resolves_what_single_precision_energies_would_not() -> None:
    labels = frames(1)
    assert labels.energy is not None
    shifted = LabelSet(labels.numbers, labels.positions, labels.energy + 1e-5, labels.forces, "hf")
    assert np.float32(labels.energy[0]) == np.float32(labels.energy[0] + 1e-5)
    assert content_hashes(labels) != content_hashes(shifted)
    without = LabelSet(labels.numbers, labels.positions, labels.energy, None, "hf")
    assert len({*content_hashes(labels), *content_hashes(without), *geometry_hashes(labels)}) == 3
