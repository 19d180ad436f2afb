"""Extended XYZ in: keys, units, and what is refused."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.units import ENERGY_IN_EV

if TYPE_CHECKING:
    from pathlib import Path

WATER = np.array([8, 1, 1])
REST = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
RNG = np.random.default_rng(0)
R, E, F = REST + 0.05 * RNG.normal(size=(4, 3, 3)), -2000 + RNG.normal(size=4), RNG.normal(size=(4, 3, 3))
KCAL = ENERGY_IN_EV["kcal/mol"]


def refused(path: Path, level: str | None = "mp2", **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_labels(path, Declaration(level=level, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def frames_of_ase(*, ref: bool) -> list[ase.Atoms]:
    frames = []
    for i in range(4):
        atoms = ase.Atoms(numbers=WATER, positions=R[i])
        if ref:
            atoms.info["REF_energy"] = E[i]
            atoms.arrays["REF_forces"] = F[i].copy()
        else:
            atoms.calc = SinglePointCalculator(atoms, energy=E[i], forces=F[i])
        atoms.info["run"] = i // 2
        frames.append(atoms)
    return frames


def written(folder: Path, frames: list[ase.Atoms]) -> Path:
    ase.io.write(folder / "labels.extxyz", frames, format="extxyz")
    return folder / "labels.extxyz"


def check_close(labels: Any) -> None:
    """Text holds eight decimals."""
    np.testing.assert_allclose(labels.positions, R, atol=1e-7)
    np.testing.assert_allclose(labels.energy, E, atol=1e-7)
    np.testing.assert_allclose(labels.forces, F, atol=1e-7)


@pytest.mark.parametrize("ref", [True, False])
def test_extended_xyz(tmp_path: Path, ref: bool) -> None:
    path = written(tmp_path, frames_of_ase(ref=ref))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = read_labels(path, Declaration(level="ccsd_t/cc-pvdz", group_key="run"))
    check_close(loaded.labels)
    assert loaded.labels.group is not None
    assert loaded.labels.group.tolist() == [0, 0, 1, 1]
    assert "eV/Angstrom: recognised from extended XYZ" in loaded.units
    keys = "REF_energy and REF_forces" if ref else "energy and forces"
    assert loaded.notes == (f"labels from {keys}", "groups from key run")


def test_reference_labels_go_before_the_calculators(tmp_path: Path) -> None:
    frames = frames_of_ase(ref=True)
    for atoms in frames:
        atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=np.ones((3, 3)))
    path = written(tmp_path, frames)
    check_close(read_labels(path, Declaration(level="mp2")).labels)
    cheap = read_labels(path, Declaration(level="xtb", energy_key="energy", forces_key="forces")).labels
    assert cheap.energy is not None
    assert cheap.energy.tolist() == [-1.0] * 4


def test_extended_xyz_may_declare_other_units_and_keys(tmp_path: Path) -> None:
    frames = frames_of_ase(ref=False)
    for i, atoms in enumerate(frames):
        atoms.calc = None
        atoms.info["e_cc"] = E[i] / KCAL
        atoms.arrays["f_cc"] = F[i] / KCAL
    path = written(tmp_path, frames)
    loaded = read_labels(path, Declaration(level="ccsd", energy_key="e_cc", forces_key="f_cc", energy_unit="kcal/mol"))
    np.testing.assert_allclose(loaded.labels.energy, E, atol=1e-6)
    np.testing.assert_allclose(loaded.labels.forces, F, atol=1e-6)
    assert loaded.units.endswith("kcal/mol/Angstrom: declared")
    assert "frame 0 has e_cc, f_cc, run" in refused(path, "ccsd")
    assert "name both" in refused(path, "ccsd", energy_key="e_cc")


def test_extended_xyz_refuses_what_is_not_one_labelled_molecule(tmp_path: Path) -> None:
    frames = frames_of_ase(ref=True)
    del frames[2].arrays["REF_forces"]
    assert "needs REF_forces in every frame, frame 2 has" in refused(written(tmp_path, frames))
    frames = frames_of_ase(ref=True)
    frames[1].numbers[2] = 9
    assert "found OH2 in frame 0 and OHF in frame 1" in refused(written(tmp_path, frames))
    frames = frames_of_ase(ref=True)
    frames[3].cell, frames[3].pbc = np.eye(3) * 9, True
    assert "frame 3 is periodic" in refused(written(tmp_path, frames))
    path = written(tmp_path, frames_of_ase(ref=True))
    assert "does not state its level" in refused(path, None)
    path.write_text("three\natoms\n", encoding="utf-8")
    assert "line 1 of labels.extxyz must be the number of atoms of a frame, found 'three'" in refused(path)
    path.write_text("", encoding="utf-8")
    assert "needs frames" in refused(path)


def test_extended_xyz_is_read_to_its_end_or_refused(tmp_path: Path) -> None:
    path = written(tmp_path, frames_of_ase(ref=True))
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    first = int(lines[0]) + 2
    path.write_text("".join(lines[:first]) + "\n" + "".join(lines[first:]))
    message = refused(path)
    assert "remove the blank line" in message
    path.write_text(text[:-4])
    message = refused(path)
    assert "cut off" in message or "cannot read" in message


@pytest.mark.parametrize("end", ["", "\n", "  \n\n\n"])
def test_blank_lines_may_follow_plain_xyz(tmp_path: Path, end: str) -> None:
    (tmp_path / "hf.xyz").write_text(f"2\nby hand\nH 0 0 0\nF 0 0 0.92\n{end}")
    assert len(read_geometries(tmp_path / "hf.xyz", Declaration(level="pbe"))) == 1


@pytest.mark.parametrize("name", ["H1", "D", "1"])
def test_names_that_are_no_elements(tmp_path: Path, name: str) -> None:
    (tmp_path / "hf.xyz").write_text(f"2\nby hand\n{name} 0 0 0\nF 0 0 0.92\n")
    with pytest.raises(InputError, match=f"must be named by their elements, found '{name}'"):
        read_geometries(tmp_path / "hf.xyz", Declaration(level="pbe"))


@pytest.mark.parametrize(
    ("old", "new", "encoding"),
    [("e", "e", "utf-16"), ("e", "D", "utf-8"), ("e", "d", "utf-8"), ("energy=", "energy=np.float64", "utf-8")],
)
def test_text_as_other_programs_write_it(tmp_path: Path, old: str, new: str, encoding: str) -> None:
    lines = []
    for i in range(4):
        shown = f"np.float64({float(E[i])!r})" if new.startswith("energy") else repr(float(E[i]))
        lines += ["3", f'Properties=species:S:1:pos:R:3:forces:R:3 energy={shown} pbc="F F F"']
        for symbol, row in zip("OHH", np.hstack([R[i], F[i]]), strict=True):
            numbers = " ".join(f"{number:.16e}" for number in row)
            lines.append(f"{symbol} {numbers if len(new) > 1 else numbers.replace(old, new)}")
    (tmp_path / "labels.xyz").write_text("\n".join(lines) + "\n", encoding=encoding)
    labels = read_labels(tmp_path / "labels.xyz", Declaration(level="mp2")).labels
    np.testing.assert_array_equal(labels.positions, R)
    np.testing.assert_array_equal(labels.energy, E)
    np.testing.assert_array_equal(labels.forces, F)


def test_plain_xyz_has_no_unit_of_energies(tmp_path: Path) -> None:
    path = tmp_path / "traj-pos-1.xyz"
    path.write_text("".join(f" 2\n i = {i}, time = {i}.0, E = {-1.1 - i}\nH 0 0 0\nH 0 0 0.7{i}\n" for i in range(3)))
    declared = {"energy_key": "E", "forces": "none"}
    assert "states no units" in refused(path, **declared)
    loaded = read_labels(path, Declaration(level="mp2", energy_unit="Hartree", length_unit="Angstrom", **declared))
    assert loaded.labels.energy[0] == pytest.approx(-1.1 * ENERGY_IN_EV["Hartree"])
