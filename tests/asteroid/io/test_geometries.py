from __future__ import annotations

from typing import TYPE_CHECKING

import ase
import ase.io
import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = np.array([8, 1, 1])
POSITIONS = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]]) + np.arange(4)[:, None, None]


def test_npz_in_bohr(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, z=NUMBERS, R=POSITIONS / 0.529177210903, group=np.array([0, 0, 1, 1]))
    frames = read_geometries(path, Declaration(level="GFN2-xTB", length_unit="bohr", group_key="group"))
    np.testing.assert_allclose(frames.positions, POSITIONS, rtol=1e-6)
    assert frames.level == "gfn2-xtb"
    assert frames.energy is None
    assert frames.forces is None
    assert frames.group is not None
    assert frames.group.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("suffix", ["xyz", "extxyz"])
def test_xyz(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w.{suffix}"
    ase.io.write(path, [ase.Atoms(numbers=NUMBERS, positions=frame) for frame in POSITIONS])
    frames = read_geometries(path, Declaration(level="gfn2-xtb"))
    np.testing.assert_allclose(frames.positions, POSITIONS, atol=1e-7)
    np.testing.assert_array_equal(frames.numbers, NUMBERS)


def test_faults_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no file"):
        read_geometries(tmp_path / "none.npz", Declaration(level="gfn2-xtb", length_unit="Angstrom"))
    path = tmp_path / "w.npz"
    np.savez(path, z=NUMBERS, places=POSITIONS)
    with pytest.raises(InputError, match="declare length_unit"):
        read_geometries(path, Declaration(level="gfn2-xtb"))
    with pytest.raises(InputError, match=r"found the keys places, z"):
        read_geometries(path, Declaration(level="gfn2-xtb", length_unit="Angstrom"))
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match="npz"):
        read_geometries(path, Declaration(level="gfn2-xtb", length_unit="Angstrom"))
    other = tmp_path / "w.pdf"
    other.touch()
    with pytest.raises(InputError, match="convert the file"):
        read_geometries(other, Declaration(level="gfn2-xtb"))
    mixed = tmp_path / "mixed.xyz"
    ase.io.write(mixed, [ase.Atoms("OH2", POSITIONS[0]), ase.Atoms("HOH", POSITIONS[0])])
    with pytest.raises(InputError, match="one molecule with one order"):
        read_geometries(mixed, Declaration(level="gfn2-xtb"))
    said = tmp_path / "said.xyz"
    ase.io.write(said, ase.Atoms("OH2", POSITIONS[0], info={"length_unit": "Bohr"}))
    with pytest.raises(InputError, match="states lengths in Bohr, found length_unit 'nm'"):
        read_geometries(said, Declaration(level="gfn2-xtb", length_unit="nm"))
    stated = read_geometries(said, Declaration(level="gfn2-xtb"))
    np.testing.assert_allclose(stated.positions[0], POSITIONS[0] * 0.529177, rtol=1e-5)


def test_groups_of_extended_xyz(tmp_path: Path) -> None:
    path = tmp_path / "g.xyz"
    ase.io.write(path, [ase.Atoms(numbers=NUMBERS, positions=x, info={"run": i // 2}) for i, x in enumerate(POSITIONS)])
    frames = read_geometries(path, Declaration(level="gfn2-xtb", group_key="run"))
    assert frames.group is not None
    assert frames.group.tolist() == [0, 0, 1, 1]
    with pytest.raises(InputError, match="frame 0 has run"):
        read_geometries(path, Declaration(level="gfn2-xtb", group_key="replica"))


def test_periodic_lost_and_missing_frames_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.xyz"
    water = ase.Atoms(numbers=NUMBERS, positions=POSITIONS[0])
    ase.io.write(path, [water, ase.Atoms(numbers=NUMBERS, positions=POSITIONS[1], cell=[9, 9, 9], pbc=True)])
    with pytest.raises(InputError, match="frame 1 is periodic"):
        read_geometries(path, Declaration(level="gfn2-xtb"))
    ase.io.write(path, water)
    path.write_text(path.read_text() + "\n" + path.read_text())
    with pytest.raises(InputError, match="found more at line 7"):
        read_geometries(path, Declaration(level="gfn2-xtb"))
    path.write_text("")
    with pytest.raises(InputError, match="needs frames, found none"):
        read_geometries(path, Declaration(level="gfn2-xtb"))


@pytest.mark.parametrize("kind", [str, complex])
def test_positions_that_are_no_numbers(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, z=NUMBERS, R=POSITIONS.astype(kind))
    with pytest.raises(InputError, match="must be numbers, found"):
        read_geometries(path, Declaration(level="gfn2-xtb", length_unit="Angstrom"))
