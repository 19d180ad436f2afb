"""Wrong files of several molecules: each is answered by one clear line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ase
import numpy as np
import pytest
from varied_files import as_flattened, as_npz, check_same, frames_of_ase, refused, varied

from asteroid.io import any_ase_file
from asteroid.io.ase_frames import ase_labels
from asteroid.io.read import read_labels
from asteroid.io.write import write_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.io.label_format import LabelFormat


def changed(values: Any, row: Any, value: Any) -> Any:
    out = np.array(values)
    out[row] = value
    return out


V = varied()
WRONG_ARRAYS: dict[str, tuple[Callable[..., Path], dict[str, Any], list[str]]] = {
    "gap": (as_npz, {"z": changed(V.numbers, (3, 2), 0)}, ["zeros behind them", "found 6, 1, 0, 1, 1 in frame 3"]),
    "nothing": (as_npz, {"z": changed(V.numbers, 2, 0)}, ["found 0, 0, 0, 0, 0 in frame 2"]),
    "N of rows": (as_npz, {"N": [3, 1, 2, 5, 4]}, ["found 2 in frame 2", "has 3", "correct one of them"]),
    "N too short": (as_npz, {"N": [3, 1]}, ["N of padded.npz must be the number of atoms", "shape [2]"]),
    "position nowhere": (as_npz, {"R": changed(V.positions, (1, 4, 0), 1.0)}, ["positions are zero where a frame"]),
    "NaN nowhere": (as_npz, {"R": changed(V.positions, (1, 4, 0), np.nan)}, ["positions are zero where a frame"]),
    "force nowhere": (as_npz, {"F": changed(V.forces, (0, 3, 0), 1.0)}, ["forces are zero where a frame"]),
    "no such element": (as_npz, {"z": changed(V.numbers, (3, 2), 119)}, ["between 1 and 118, found 119"]),
    "elements below zero": (as_npz, {"z": changed(V.numbers, (3, 4), -1)}, ["between 1 and 118, found -1: pad rows"]),
    "rows of z missing": (as_npz, {"z": V.numbers[:4]}, ["numbers needs the shape [5, 5], found [4, 5]"]),
    "energies missing": (as_npz, {"E": np.zeros(4)}, ["energy needs the shape [5], found [4]"]),
    "flattened N": (
        as_flattened,
        {"N": [3, 1, 3, 5, 3]},
        ["R and Z as N adds up to, 15, found [16, 3]"],
    ),
    "flattened gap": (as_flattened, {"Z": changed(V.numbers[V.numbers > 0], 5, 0)}, ["found 0 in row 5"]),
    "flattened N of zero": (as_flattened, {"N": [3, 0, 4, 5, 4]}, ["N of flat.npz must be the number of atoms"]),
    "flattened energies": (as_flattened, {"E": np.zeros(16)}, ["energy needs the shape [5], found [16]"]),
    "flattened forces": (as_flattened, {"F": np.zeros((5, 3))}, ["16 rows of 3, found [5, 3]"]),
}


@pytest.mark.parametrize("name", WRONG_ARRAYS)
def test_wrong_arrays_are_one_clear_line(name: str, tmp_path: Path) -> None:
    write, changes, says = WRONG_ARRAYS[name]
    message = refused(write(V, tmp_path, **changes))
    assert "padded.npz" in message or "flat.npz" in message
    assert [words for words in says if words not in message] == [], message


def periodic(frames: list[ase.Atoms]) -> None:
    frames[3].cell, frames[3].pbc = np.eye(3) * 9, True


def no_force(frames: list[ase.Atoms]) -> None:
    del frames[2].calc.results["forces"]


def dummy(frames: list[ase.Atoms]) -> None:
    frames[4].numbers[3] = 0


def forces_of_another(frames: list[ase.Atoms]) -> None:
    frames[2].calc = None
    frames[2].info |= {"energy": 1.0, "forces": np.zeros((1, 3))}


def own_group(frames: list[ase.Atoms]) -> None:
    for atoms in frames:
        atoms.arrays["run"] = np.arange(len(atoms))


WRONG_FRAMES: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "periodic": (periodic, {}, ["frame 3 is periodic"]),
    "no force": (no_force, {}, ["needs forces in every frame, frame 2 has energy"]),
    "dummy atom": (dummy, {}, ["must consist of elements, found COHX in frame 4"]),
    "no atoms": (lambda frames: frames.insert(2, ase.Atoms()), {}, ["found no atoms in frame 2"]),
    "forces of another": (forces_of_another, {}, ["forces of", "found the shape [1, 3] in frame 2 of 3 atoms"]),
    "group of atoms": (own_group, {"group_key": "run"}, ["run of", "found the shapes [3] and [1]"]),
}


@pytest.mark.parametrize("name", WRONG_FRAMES)
def test_wrong_frames_are_one_clear_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change, options, says = WRONG_FRAMES[name]
    frames = frames_of_ase(V)
    change(frames)
    monkeypatch.setattr(any_ase_file, "FORMAT", in_memory(frames))
    monkeypatch.setattr(any_ase_file, "recognises", lambda _: True)
    (tmp_path / "labels.traj").touch()
    message = refused(tmp_path / "labels.traj", **options)
    assert "labels.traj" in message
    assert [words for words in says if words not in message] == [], message


def in_memory(frames: list[ase.Atoms]) -> LabelFormat:
    """A format of frames that no file could hold in this state."""
    return replace(
        any_ase_file.FORMAT,
        read=lambda path, declared: ase_labels(iter(frames), path.name, declared, "recognised"),
    )


def test_wrong_text_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.xyz"
    write_labels(V, path)
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    assert "found more at line" in spoilt(path, "".join([*lines[:5], "\n", *lines[5:]]))
    assert "frames of labels.xyz must be of one level, found pbe, wb97x" in spoilt(
        path, text.replace('level="wb97x-d3_6-31g_d_/def2-tzvp+"', 'level="pbe"', 1)
    )
    assert "frame 3 is periodic" in spoilt(
        path, third_replaced(text, 'pbc="F F F"', 'pbc="T T T" Lattice="9 0 0 0 9 0 0 0 9"')
    )
    assert "needs group in every frame, frame 3 has" in spoilt(path, third_replaced(text, "group=", "team="))
    assert "needs REF_energy in every frame, frame 3 has" in spoilt(path, third_replaced(text, "REF_energy", "E"))
    assert "needs REF_forces in every frame, frame 3 has" in spoilt(path, third_replaced(text, "REF_forces", "f"))
    assert "must be the number of atoms of a frame" in spoilt(path, third_replaced(text, "\n5\n", "\n4\n", first=1))
    path.write_text(text)
    check_same(read_labels(path, several=True).labels, V)


def third_replaced(text: str, old: str, new: str, first: int = 4) -> str:
    """The text with one occurrence changed: the fourth, that of frame 3, unless another is named."""
    parts = text.split(old)
    return old.join(parts[:first]) + new + old.join(parts[first:])


def spoilt(path: Path, text: str) -> str:
    path.write_text(text)
    return refused(path, level=None)
