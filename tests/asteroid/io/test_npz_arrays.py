"""Arrays of npz files: damaged, pickled and missing ones."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from npz_files import WATER, E, F, R, check_values, plain, refused, saved

from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

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


def archive_of(folder: Path, content: bytes, flags: int = 0, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """An npz file whose only array is these bytes, with fields of its entry changed behind the writing."""
    path = folder / "labels.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("z.npy", content)
    raw = bytearray(path.read_bytes())
    for begins in (6, raw.rfind(b"PK\x01\x02") + 8):
        raw[begins : begins + 4] = flags.to_bytes(2, "little") + compression.to_bytes(2, "little")
    path.write_bytes(bytes(raw))
    return path


def header(text: str) -> bytes:
    """The beginning of an array file whose header is this text."""
    return b"\x93NUMPY\x02\x00" + (len(text) + 1).to_bytes(4, "little") + text.encode() + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}") + bytes(8),
        header("1" + "+1" * 3000),
        header("-" * 3000 + "1"),
        header("'''"),
        header("{"),
        b"\x93NUMPY",
    ],
)
def test_what_an_array_claims_is_one_line(tmp_path: Path, content: bytes) -> None:
    assert "'z' in labels.npz" in refused(archive_of(tmp_path, content))


@pytest.mark.parametrize("entry", [{"compression": 97}, {"flags": 1}])
def test_what_no_reader_here_can_unpack_is_one_line(tmp_path: Path, entry: dict[str, int]) -> None:
    assert "'z' in labels.npz cannot be read" in refused(archive_of(tmp_path, header("{}"), **entry))


def test_nothing_that_was_packed_very_small_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asteroid.io.npz_arrays._EXPANDED_MAX", 2**20)
    np.savez_compressed(tmp_path / "labels.npz", z=np.zeros(2**18))
    assert "of nothing in 0.0 MiB: save it again without compression" in refused(tmp_path / "labels.npz")


def test_every_key_may_be_named(tmp_path: Path) -> None:
    keys = {"numbers_key": "species", "positions_key": "xyz", "energy_key": "total_energy", "forces_key": "minus_slope"}
    path = saved(tmp_path, {"species": WATER, "xyz": R, "total_energy": E, "minus_slope": F})
    units = {"energy_unit": "eV", "length_unit": "Angstrom"}
    check_values(read_labels(path, Declaration(level="mp2", **keys, **units)).labels)
    assert "name it as positions_key" in refused(
        path, **units, **{k: v for k, v in keys.items() if k != "positions_key"}
    )
