"""Planted faults in label files: each is answered by one line with the remedy, exit code 2, and nothing written."""

from __future__ import annotations

import json
import pickle
import re
import sqlite3
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Any

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from command_line import answer
from scipy.spatial.transform import Rotation

from asteroid.datasets import load_methanol
from asteroid.io.md17 import md17_class
from asteroid.io.write import write_labels
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG
from study.config.label_files import LabelFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet

    #: Plants a fault in a folder and returns the words behind `convert`.
    Fault = Callable[[Path], list[str]]

BOHR, KCAL = LENGTH_IN_ANG["Bohr"], ENERGY_IN_EV["kcal/mol"]
UNITS = ["--energy-unit", "eV", "--length-unit", "Angstrom"]
DECLARED = [*UNITS, "--level", "gfn2-xtb"]


@cache
def methanol() -> LabelSet:
    """200 frames of 500 K, 80 of them with close neighbours."""
    return load_methanol().cheap.select(np.arange(0, 20_000, 100))


def arrays(**changes: Any) -> dict[str, Any]:
    labels = methanol()
    content = {"z": labels.numbers, "R": labels.positions, "E": labels.energy, "F": labels.forces, **changes}
    return {key: value for key, value in content.items() if value is not None}


def npz(*options: str, **changes: Any) -> Fault:
    """An npz file with changed arrays (None: missing)."""

    def plant(folder: Path) -> list[str]:
        np.savez(folder / "labels.npz", **arrays(**changes))
        return ["labels.npz", *(options or DECLARED)]

    return plant


def spoilt(key: str, row: Any, value: Any) -> Fault:
    """An npz file with one entry changed."""
    changed = np.array(arrays()[key])
    changed[row] = value
    return npz(**{key: changed})


def file(name: str, content: bytes, *options: str) -> Fault:
    def plant(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return [name, *(options or DECLARED)]

    return plant


def damaged(change: Callable[[bytes], bytes]) -> Fault:
    """An npz file whose bytes are changed."""

    def plant(folder: Path) -> list[str]:
        words = npz()(folder)
        whole = (folder / "labels.npz").read_bytes()
        (folder / "labels.npz").write_bytes(change(whole))
        return words

    return plant


def flip_bytes(whole: bytes) -> bytes:
    at = whole.index(np.ascontiguousarray(methanol().positions).tobytes()) + 40
    return whole[:at] + bytes(8) + whole[at + 8 :]


def objects() -> Any:
    out = np.empty(200, dtype=object)
    out[:] = [{"energy": 1.0}] * 200
    return out


def sidecar(text: str, **changes: Any) -> Fault:
    def plant(folder: Path) -> list[str]:
        words = npz(**changes)(folder)
        (folder / "labels.meta.json").write_text(text)
        return words

    return plant


def flattened(**changes: Any) -> Fault:
    """The layout of the reference code, one row per atom."""
    content = arrays()
    rows = {"R": content["R"].reshape(-1, 3), "F": content["F"].reshape(-1, 3), "E": content["E"], "z": None}
    return npz(**{**rows, "Z": np.tile(content["z"], 200), "N": np.full(200, 6), **changes})


def frames(n: int = 6) -> list[ase.Atoms]:
    labels = methanol()
    assert labels.energy is not None
    assert labels.forces is not None
    out = []
    for i in range(n):
        atoms = ase.Atoms(numbers=labels.numbers, positions=labels.positions[i])
        atoms.calc = SinglePointCalculator(atoms, energy=labels.energy[i], forces=labels.forces[i])
        out.append(atoms)
    return out


def of_ase(name: str, change: Callable[[list[ase.Atoms]], Any], *options: str) -> Fault:
    """A file that ASE writes, after a change of its frames."""

    def plant(folder: Path) -> list[str]:
        written = frames()
        change(written)
        ase.io.write(folder / name, written)
        return [name, "--level", "gfn2-xtb", *options]

    return plant


def of_text(change: Callable[[str], str], *options: str) -> Fault:
    """An extended XYZ file whose text is changed."""

    def plant(folder: Path) -> list[str]:
        write_labels(methanol().select(np.arange(6)), folder / "labels.xyz")
        text = (folder / "labels.xyz").read_text()
        (folder / "labels.xyz").write_text(change(text))
        return ["labels.xyz", *options]

    return plant


def boxed(written: list[ase.Atoms], size: float) -> None:
    for atoms in written:
        atoms.set_cell(np.eye(3) * size)
        atoms.pbc = True


def dummy_atom(written: list[ase.Atoms]) -> None:
    written[2].numbers[0] = 0


def periodic_dimer(written: list[ase.Atoms]) -> None:
    written.append(ase.Atoms("H2", [[0, 0, 0], [0.74, 0, 0]], cell=np.eye(3) * 9, pbc=True))


def bare_dimer(written: list[ase.Atoms]) -> None:
    written.append(ase.Atoms("H2", [[0, 0, 0], [0.74, 0, 0]]))


def without_forces(written: list[ase.Atoms]) -> None:
    del written[4].calc.results["forces"]


def foreign_database(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "labels.db") as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    database.close()
    return ["labels.db", *DECLARED]


def cut_trajectory(folder: Path) -> list[str]:
    words = of_ase("labels.traj", lambda _: None)(folder)
    whole = (folder / "labels.traj").read_bytes()
    (folder / "labels.traj").write_bytes(whole[: len(whole) // 2])
    return words


def md17_archive(content: bytes) -> Fault:
    def plant(folder: Path) -> list[str]:
        raw = folder / "data" / "aspirin CCSD" / "raw"
        raw.mkdir(parents=True)
        (raw / "aspirin_ccsd.zip").write_bytes(content)
        return ["md17:aspirin CCSD", "--data-folder", "data"]

    return plant


def empty_archive(folder: Path) -> list[str]:
    with zipfile.ZipFile(folder / "empty.zip", "w"):
        pass
    return md17_archive((folder / "empty.zip").read_bytes())(folder)


def turned(forces: Any) -> Any:
    return forces @ Rotation.from_euler("xyz", [80, 120, 40], degrees=True).as_matrix().T


M = methanol()
assert M.energy is not None
assert M.forces is not None
NONE = np.arange(0)
SHUFFLED = np.random.default_rng(0).permutation(200)
FIXED = np.where(np.arange(6)[:, None] < 2, 0.0, M.forces)
GAP, SHORT = np.tile(M.numbers, (200, 1)), np.tile(M.numbers, (200, 1))
GAP[199, 1] = SHORT[199, 5] = 0
TWICE = json.dumps({"level": "gfn2-xtb", "units": {"R": "Angstrom", "E": "kcal/mol"}})
E_UNIT = {"e_unit": np.array("eV"), "r_unit": np.array("Angstrom")}

FAULTS: dict[str, tuple[Fault, list[str]]] = {
    # files
    "no such file": (lambda _: ["none.npz", *DECLARED], ["found no file", "correct the path"]),
    "empty file": (file("labels.npz", b""), ["must be an npz file"]),
    "cut off": (damaged(lambda whole: whole[: len(whole) // 2]), ["must be an npz file"]),
    "flipped bytes": (damaged(flip_bytes), ["'R'", "damaged", "fetch it again"]),
    "pickled array": (npz(E=objects()), ["'E'", "pickled objects (never loaded", "numpy.savez"]),
    "pickle as npz": (file("labels.npz", pickle.dumps({"E": 1})), ["perhaps a pickle (never loaded"]),
    "unknown format": (
        file("labels.pt", b"x"),
        ["read from .npz, .xyz, .extxyz, .db, .engrad or another file that ASE", "labels.pt"],
    ),
    "broken sidecar": (sidecar("{units:"), ["labels.meta.json must be JSON"]),
    # keys
    "no atomic numbers": (npz(z=None), ["needs atomic numbers under z", "keys E, F, R"]),
    "no positions": (npz(R=None), ["needs positions under R"]),
    "no energies": (npz(E=None), ["needs energies under E", "--energy-key"]),
    "no forces": (npz(F=None), ["needs forces under F", "--forces-key"]),
    "one key named": (npz(*DECLARED, "--energy-key", "E"), ["one level", "name both"]),
    "wrong key": (npz(*DECLARED, "--energy-key", "e", "--forces-key", "F"), ["under e", "keys E, F, R, z"]),
    "wrong group key": (npz(*DECLARED, "--group-key", "run"), ["no key 'run'"]),
    # units and level
    "no units": (npz("--level", "hf"), ["states no units", "--energy-unit kcal/mol, --length-unit Angstrom"]),
    "half of the units": (npz("--level", "hf", "--energy-unit", "eV"), ["no length unit is declared"]),
    "unknown unit": (npz("--level", "hf", "--energy-unit", "cal", "--length-unit", "A"), ["unknown energy unit 'cal'"]),
    "units differ": (npz("--level", "hf", "--energy-unit", "kcal/mol", **E_UNIT), ["stated twice and differ"]),
    "sidecar differs": (sidecar(TWICE, **E_UNIT), ["stated twice and differ", "remove labels.meta.json"]),
    "no level": (npz(*UNITS), ["level of theory", "declare --level"]),
    "level differs": (npz(*DECLARED, level=np.array("pbe")), ["gfn2-xtb is declared", "states pbe"]),
    "Bohr as Å": (npz(R=M.positions / BOHR), ["cannot be in Å", "length unit"]),
    "Å as Bohr": (npz("--level", "hf", "--energy-unit", "eV", "--length-unit", "Bohr"), ["cannot be in Å"]),
    "nm as Å": (npz(R=M.positions / 10), ["cannot be in Å"]),
    "kcal/mol as eV": (npz(F=M.forces / KCAL, E=M.energy / KCAL), ["forces", "cannot be right", "units"]),
    "energies of too many electrons": (npz(E=M.energy * 30), ["energies", "electrons", "energy unit"]),
    # shapes and numbers
    "energies cut": (npz(E=M.energy[:150]), ["energy needs the shape [200], found [150]"]),
    "forces transposed": (npz(F=M.forces.transpose(0, 2, 1)), ["forces needs the shape [200, 6, 3]"]),
    "energies as text": (npz(E=np.array(["-1"] * 200)), ["energies must be numbers"]),
    "unknown symbol": (npz(z=np.array(list("COHHHQ"))), ["must be those of elements", "'Q'", "write C or 6"]),
    "element zero": (spoilt("z", 2, 0), ["between 1 and 118, found 0"]),
    "NaN position": (spoilt("R", (7, 2, 1), np.nan), ["finite", "frame 7", "remove"]),
    "infinite energy": (spoilt("E", 9, np.inf), ["finite", "frame 9"]),
    "NaN force": (spoilt("F", (5, 0, 0), np.nan), ["finite", "frame 5"]),
    "forces never computed": (spoilt("F", 11, 0.0), ["not all be zero", "frame 11"]),
    "no frames": (npz(R=M.positions[NONE], E=M.energy[NONE], F=M.forces[NONE]), ["found none"]),
    "a frame twice": (spoilt("R", 8, M.positions[3]), ["distinct", "3 = 8", "set --drop-duplicates"]),
    "collision": (spoilt("R", (12, 1), M.positions[12, 0] + [0.2, 0, 0]), ["apart", "0.2 Å in frame 12"]),
    "energies all equal": (npz(E=np.full(200, -223.0)), ["must differ", "check the key"]),
    "outlying energy": (spoilt("E", 13, 0.0), ["frame 13", "relabel"]),
    "outlying force": (spoilt("F", (14, 2, 0), 500.0), ["below 100 eV/Å", "500 eV/Å in frame 14"]),
    # energies and forces that do not belong together
    "gradients": (npz(F=-M.forces), ["down the energy", "--gradients"]),
    "forces per Bohr as per Å": (npz(F=M.forces * BOHR), ["slope of its energies", "Bohr is 0.5292 Angstrom"]),
    "forces in Å as Bohr": (npz(F=M.forces / BOHR), ["slope of its energies", "Angstrom is 1.89 Bohr"]),
    "forces in kJ": (npz(F=M.forces * 4.184), ["slope of its energies", "kcal/mol is 4.184 kJ/mol"]),
    "energies in Hartree": (npz(E=M.energy / 27.2114), ["slope of its energies", "Hartree is 27.21 eV"]),
    "energies in kcal/mol": (npz(E=(M.energy - M.energy[0]) / KCAL), ["slope of its", "kcal/mol is 0.04336 eV"]),
    "rows shuffled": (npz(E=M.energy[SHUFFLED]), ["belong together", "order of rows"]),
    "fixed atoms": (npz(F=FIXED), ["add up to zero", "without constraints"]),
    "forces of other atoms": (npz(F=M.forces[:, [1, 0, 2, 3, 4, 5]]), ["must not turn", "one order of atoms"]),
    "another orientation": (npz(F=turned(M.forces)), ["must not turn", "one orientation"]),
    # several molecules, periodic cells
    "lattice": (npz(lattice=np.eye(3) * 9), ["periodic cell under 'lattice'", "not supported"]),
    "gap in a row": (npz(z=GAP), ["zeros behind them, found 6, 0, 1, 1, 1, 1 in frame 199"]),
    "no atom in a row": (npz(z=SHORT), ["positions are zero where a frame has no atom"]),
    "N of rows": (npz(z=SHORT, N=np.full(200, 6)), ["found 6 in frame 199", "has 5", "correct one of them"]),
    "no element": (flattened(Z=np.zeros(1200, np.int64)), ["between 1 and 118, found 0 in row 0"]),
    "N does not add up": (flattened(N=np.full(200, 5)), ["N adds up to, 1000, found [1200, 3]"]),
    "forces cut, flattened": (flattened(F=M.forces.reshape(-1, 3)[:-6]), ["1200 rows of 3, found [1194, 3]"]),
    # extended XYZ
    "not extended XYZ": (
        file("labels.xyz", b"two\natoms\n", "--level", "hf"),
        ["must be the number of atoms of a frame"],
    ),
    "blank line": (of_text(lambda text: text.replace("\n6\n", "\n\n6\n", 1)), ["found more at line", "blank line"]),
    "last line cut": (of_text(lambda text: text[:-1]), ["may be cut off"]),
    "two levels": (of_text(lambda text: text.replace("gfn2-xtb", "pbe", 1)), ["one level, found gfn2-xtb, pbe"]),
    "frame without forces": (of_ase("labels.xyz", without_forces), ["needs forces in every frame, frame 4"]),
    "no atom": (of_ase("labels.xyz", dummy_atom), ["must consist of elements", "in frame 2"]),
    "periodic frame of another molecule": (of_ase("labels.xyz", periodic_dimer), ["frame 6 is periodic"]),
    "unlabelled frame of another molecule": (
        of_ase("labels.xyz", bare_dimer),
        ["needs energy in every frame, frame 6"],
    ),
    # ASE's files
    "periodic": (
        of_ase("labels.traj", lambda written: boxed(written, 20.0)),
        ["frame 0 is periodic", "declare --vacuum-box"],
    ),
    "no vacuum": (of_ase("labels.traj", lambda written: boxed(written, 6.0), "--vacuum-box"), ["5 Å of vacuum"]),
    "box of an npz": (npz(*DECLARED, "--vacuum-box"), ["--vacuum-box is for files with a cell"]),
    "cut trajectory": (cut_trajectory, ["ASE cannot read it"]),
    "unlabelled trajectory": (of_ase("labels.traj", without_forces), ["frame 4 has energy"]),
    "no database": (file("labels.db", b"words", "--level", "hf"), ["must be an ASE database"]),
    "foreign database": (foreign_database, ["no table 'systems'"]),
    "unlabelled database": (of_ase("labels.db", without_forces), ["needs forces in every frame, frame 4"]),
    # MD17 by name
    "no such set": (lambda _: ["md17:revised ethanl"], ["did you mean 'md17:revised ethanol'"]),
    "no parts": (lambda _: ["md17:ethanol train"], ["no official parts"]),
    "no network": (lambda _: ["md17:ethanol CCSD(T)", "--data-folder", "d"], ["ethanol_ccsd_t.zip", "no network"]),
    "damaged archive": (md17_archive(b"PK"), ["aspirin_ccsd.zip", "cannot be read", "fetch it again"]),
    "empty archive": (empty_archive, ["aspirin_ccsd.zip", "aspirin_ccsd-train.npz"]),
    # what is written
    "unknown output": (lambda folder: [*npz()(folder), "--to", "out.pdf"], ["written to .npz, .xyz or .extxyz"]),
}


#: What only a sweep file understands.
SWEEP_KEYS = re.compile("|".join(key for key in LabelFile.model_fields if "_" in key) + "|duplicates: |declare level")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(md17_class(), "download", download)


@pytest.mark.parametrize("name", FAULTS)
def test_one_line_names_fault_and_remedy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, says = FAULTS[name]
    monkeypatch.chdir(tmp_path)
    words = plant(tmp_path)
    out = words[words.index("--to") + 1] if "--to" in words else "out.npz"
    words = [word for word in words if word not in ("--to", "out.pdf")]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, printed, error = answer("convert", words[0], out, *words[1:])
    assert (code, printed) == (2, ""), error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert [word for word in says if word not in error] == [], error
    assert not SWEEP_KEYS.search(error), error
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_there_are_enough_faults_and_the_base_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(FAULTS) >= 40
    for number, plant in enumerate((npz(), flattened(), of_ase("labels.traj", lambda _: None), of_text(str))):
        words = plant(tmp_path)
        code, _, error = answer("convert", words[0], f"out{number}.npz", *words[1:])
        assert (code, error) == (0, "")
