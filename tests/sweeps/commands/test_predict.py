"""The command `predict`: what it writes and says, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ase.io
from ase import Atoms
from command_line import answer, refused
from exported_folder import write_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_of_geometries(tmp_path: Path) -> None:
    model, out = write_model(tmp_path), tmp_path / "out.xyz"
    code, said, _ = answer("predict", str(model), str(tmp_path / "labels.npz"), "--out", str(out))
    assert code == 0
    assert said.startswith(f"{out}: 12 frames, energies in eV, forces in eV/Å of ccsd_t/cc-pvdz; mean spread")
    assert "frames outside the training data" in said
    assert len(ase.io.read(out, ":")) == 12


def test_what_the_model_does_not_know_is_refused(tmp_path: Path) -> None:
    model, file = write_model(tmp_path), tmp_path / "other.xyz"
    atoms = ase.io.read(tmp_path / "geometry.xyz")
    ase.io.write(file, Atoms("CSHHHH", atoms.positions), format="extxyz")
    assert "it says nothing about other molecules" in refused("predict", model, file, "--out", tmp_path / "a.xyz")
    ase.io.write(file, atoms[[1, 0, 2, 3, 4, 5]], format="extxyz")
    assert "atoms[[1, 0, 2, 3, 4, 5]]" in refused("predict", model, file, "--out", tmp_path / "a.xyz")
    atoms.set_cell([5, 5, 5])
    atoms.pbc = True
    ase.io.write(file, atoms, format="extxyz")
    assert "periodic systems are not supported" in refused("predict", model, file, "--out", tmp_path / "a.xyz")
    ase.io.write(file, Atoms(atoms.symbols, atoms.positions, info={"charge": 2}), format="extxyz")
    for words in (("predict", model, file, "--out", tmp_path / "a.xyz"), ("md", model, "--start", file, "--out", file)):
        assert "with charge 0, other.xyz states charge +2" in refused(*words)
    assert "found none named" in refused("predict", tmp_path / "no", file, "--out", tmp_path / "a.xyz")
    assert "choose such an ending" in refused("predict", model, file, "--out", tmp_path / "a.csv")
