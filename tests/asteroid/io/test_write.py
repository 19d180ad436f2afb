from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.electrons import charge_and_spin
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.io.write import write_labels
from asteroid.labels.charge_and_spin import ChargeAndSpin
from asteroid.labels.label_set import LabelSet, content_hashes

FIELDS = ("numbers", "positions", "energy", "forces", "cpu_s", "frame_id", "group")


def random_labels(seed: int, *, scale: float = 1.0, group: bool = True, cpu_s: bool = True) -> LabelSet:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    return LabelSet(
        np.array([8, 1, 1]),
        scale * rng.normal(size=(n, 3, 3)),
        -2000 + rng.normal(size=n),
        scale * rng.normal(size=(n, 3, 3)),
        "wb97x-d3_6-31g_d_/def2-tzvp+",
        cpu_s=rng.random(n) if cpu_s else None,
        frame_id=rng.permutation(1000)[:n],
        group=rng.integers(-3, 3, size=n) if group else None,
    )


@given(
    seed=st.integers(0, 10**6),
    suffix=st.sampled_from(["npz", "xyz", "extxyz"]),
    scale=st.sampled_from([1.0, 1e-12, 1e7]),
    group=st.booleans(),
    cpu_s=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_labels_come_back_to_the_last_digit(seed: int, suffix: str, scale: float, group: bool, cpu_s: bool) -> None:
    labels = random_labels(seed, scale=scale, group=group, cpu_s=cpu_s)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"labels.{suffix}")
        write_labels(labels, path)
        assert [p.name for p in Path(folder).iterdir()] == [path.name]
        loaded = read_labels(path)
    assert loaded.labels.level == labels.level
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(loaded.labels, field), getattr(labels, field), err_msg=field)
    assert content_hashes(loaded.labels) == content_hashes(labels)
    assert loaded.units.startswith("energies in eV, lengths in Angstrom, forces in eV/Angstrom")


@pytest.mark.parametrize("suffix", ["npz", "xyz"])
def test_charge_and_spin_come_back_and_closed_shells_say_nothing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ion.{suffix}"
    write_labels(random_labels(0), path, electrons=ChargeAndSpin(1, 1))
    assert charge_and_spin([read_labels(path).electrons]) == ChargeAndSpin(1, 1)
    write_labels(random_labels(0), path)
    assert charge_and_spin([read_labels(path).electrons]) is None


@pytest.mark.parametrize("suffix", ["npz", "xyz"])
def test_bare_geometries(tmp_path: Path, suffix: str) -> None:
    labels = random_labels(0)
    bare = LabelSet(labels.numbers, labels.positions, None, None, "gfn2-xtb", group=labels.group)
    write_labels(bare, tmp_path / f"bare.{suffix}")
    frames = read_geometries(tmp_path / f"bare.{suffix}", Declaration(level="gfn2-xtb", group_key="group"))
    np.testing.assert_array_equal(frames.positions, labels.positions)
    np.testing.assert_array_equal(frames.group, labels.group)


@pytest.mark.parametrize("suffix", ["npz", "xyz"])
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"labels.{suffix}"
    write_labels(random_labels(1), path)
    before = path.read_bytes()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_labels(random_labels(2), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.csv"):
        write_labels(random_labels(0), tmp_path / "labels.csv")
    with pytest.raises(InputError, match="make it first"):
        write_labels(random_labels(0), tmp_path / "none" / "labels.npz")
    (tmp_path / "labels.meta.json").write_text("{}")
    with pytest.raises(InputError, match=r"units in labels\.meta\.json"):
        write_labels(random_labels(0), tmp_path / "labels.npz")
    write_labels(random_labels(0), tmp_path / "labels.xyz")


def test_another_level_is_not_declared_by_mistake(tmp_path: Path) -> None:
    for name in ("labels.npz", "labels.xyz"):
        write_labels(random_labels(0), tmp_path / name)
        with pytest.raises(InputError, match="states wb97x"):
            read_labels(tmp_path / name, Declaration(level="pbe"))
