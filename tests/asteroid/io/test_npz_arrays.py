"""Arrays of npz files: damaged, pickled and missing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from npz_files import R, plain, refused, saved

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("missing", ["z", "R", "E", "F"])
def test_missing_arrays_are_refused_with_the_keys_found(tmp_path: Path, missing: str) -> None:
    content = plain()
    del content[missing]
    message = refused(saved(tmp_path, content), energy_unit="eV", length_unit="A")
    assert f"found the keys {', '.join(sorted(content))}" in message


def test_pickles_are_refused_and_never_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("a pickle was run",))

    objects = np.empty(4, dtype=object)
    objects[:] = [Bomb()] * 4
    message = refused(saved(tmp_path, plain(E=objects)), energy_unit="eV", length_unit="A")
    assert "'E' in labels.npz must be a plain array, found pickled objects" in message
    np.save(tmp_path / "array.npy", objects, allow_pickle=True)
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    assert "perhaps a pickle" in refused(tmp_path / "array.npz")
    np.save(tmp_path / "numbers.npy", R)
    (tmp_path / "numbers.npy").rename(tmp_path / "numbers.npz")
    assert "found one array" in refused(tmp_path / "numbers.npz")


def test_damaged_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, plain())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "must be an npz file" in refused(path)
    path.write_bytes(b"")
    assert "must be an npz file" in refused(path)
    at = whole.index(R.tobytes()) + 40
    path.write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
    assert "'R' in labels.npz cannot be read, the file is damaged" in refused(path, energy_unit="eV", length_unit="A")
    assert "found no file" in refused(tmp_path / "none.npz")
    (tmp_path / "labels.pt").write_bytes(b"x")
    assert "read from .npz, .xyz, .extxyz, .db, .engrad or another file that ASE knows" in refused(
        tmp_path / "labels.pt"
    )
