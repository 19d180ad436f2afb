"""Sets of MD17 by name, from small archives in the layout of the published ones and a download that is pretended."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.md17 import default_data_folder, md17_class
from asteroid.io.read import read_labels
from asteroid.units import ENERGY_IN_EV

KCAL = ENERGY_IN_EV["kcal/mol"]
RNG = np.random.default_rng(0)
R, F = RNG.normal(size=(5, 4, 3)), RNG.normal(size=(5, 4, 3))
E = -406_757.123456789 + RNG.normal(size=5)
Z = np.array([6, 8, 1, 1], dtype=np.uint8)
COUPLED = "md17:aspirin CCSD"


def part(rows: slice) -> dict[str, Any]:
    text = {"type": np.array(b"d"), "theory": np.array(b""), "md5": np.array(b"0")}
    return {"z": Z, "R": R[rows], "E": E[rows, None], "F": F[rows], **text}


def archive(path: Path) -> Path:
    """What the official archive of a coupled-cluster set holds: 3 training frames and 2 test frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as content:
        for name, rows in (("train", slice(3)), ("test", slice(3, 5))):
            with content.open(f"aspirin_ccsd-{name}.npz", "w") as member:
                np.savez(member, **part(rows))
    return path


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(md17_class(), "download", download)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("place", ["aspirin CCSD/raw/aspirin_ccsd.zip", "aspirin_ccsd.zip", "unpacked"])
def test_raw_folder(tmp_path: Path, place: str) -> None:
    if place == "unpacked":
        with zipfile.ZipFile(archive(tmp_path / "a.zip")) as content:
            content.extractall(tmp_path / "aspirin CCSD" / "raw")
    else:
        archive(tmp_path / place)
    loaded = read_labels(COUPLED, Declaration(data_folder=tmp_path))
    np.testing.assert_allclose(loaded.labels.energy, E * KCAL, rtol=1e-15)
    np.testing.assert_allclose(loaded.labels.forces, F * KCAL)
    np.testing.assert_array_equal(loaded.labels.positions, R)
    np.testing.assert_array_equal(loaded.labels.group, [0, 0, 0, 1, 1])
    assert loaded.labels.level == "ccsd/cc-pvdz"
    assert "energies in kcal/mol, lengths in Angstrom" in loaded.units
    assert any("0 the official training frames" in note for note in loaded.notes)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(("name", "rows"), [("train", slice(3)), ("test", slice(3, 5))])
def test_official_parts(tmp_path: Path, name: str, rows: slice) -> None:
    archive(tmp_path / "aspirin CCSD" / "raw" / "aspirin_ccsd.zip")
    loaded = read_labels(f"md17: Aspirin  ccsd {name}", Declaration(level="ccsd/cc-pvdz", data_folder=tmp_path))
    np.testing.assert_array_equal(loaded.labels.positions, R[rows])
    assert loaded.labels.group is None


@pytest.mark.usefixtures("offline")
def test_revised_sets(tmp_path: Path) -> None:
    raw = tmp_path / "raw" / "rmd17" / "npz_data"
    raw.mkdir(parents=True)
    np.savez(raw / "rmd17_ethanol.npz", nuclear_charges=Z, coords=R, energies=E, forces=F)
    loaded = read_labels("md17:revised ethanol", Declaration(data_folder=tmp_path))
    assert loaded.labels.level == "pbe/def2-svp"
    np.testing.assert_allclose(loaded.labels.energy, E * KCAL, rtol=1e-15)
    bare = read_geometries("md17:revised ethanol", Declaration(level="pbe", data_folder=tmp_path))
    np.testing.assert_array_equal(bare.positions, R)


@pytest.mark.parametrize("member", ["ethanol", "aspirin"])
def test_download_of_all_revised_sets_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str) -> None:
    calls = []

    def download(self: Any) -> None:
        calls.append(self.name)
        folder = Path(self.raw_paths[0]).parent
        folder.mkdir(parents=True)
        for name in ("ethanol", "aspirin"):
            np.savez(folder / f"rmd17_{name}.npz", nuclear_charges=Z, coords=R, energies=E, forces=F)

    monkeypatch.setattr(md17_class(), "download", download)
    for name in (member, "ethanol", "aspirin"):
        assert len(read_labels(f"md17:revised {name}", Declaration(data_folder=tmp_path)).labels) == 5
    assert calls == [f"revised {member}"]
    assert [path.name for path in tmp_path.iterdir()] == ["raw"], "nothing of the download is left"


def test_a_broken_download_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(self: Any) -> None:
        folder = Path(self.raw_dir)
        folder.mkdir(parents=True)
        (folder / "aspirin_ccsd-train.npz").write_bytes(b"half")
        raise ConnectionResetError("connection lost")

    monkeypatch.setattr(md17_class(), "download", download)
    with pytest.raises(InputError) as caught:
        read_labels(COUPLED, Declaration(data_folder=tmp_path))
    message = str(caught.value)
    assert "cannot be downloaded (connection lost): put aspirin_ccsd.zip there (from http" in message
    assert str(tmp_path / "aspirin CCSD" / "raw") in message
    assert list(tmp_path.iterdir()) == []


def test_the_default_folder_is_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_data_folder() == tmp_path / "asteroid-study" / "md17"
    archive(default_data_folder() / "aspirin CCSD" / "raw" / "aspirin_ccsd.zip")
    assert len(read_labels(COUPLED).labels) == 5


@pytest.mark.usefixtures("offline")
def test_other_levels_and_units_than_the_set_has(tmp_path: Path) -> None:
    archive(tmp_path / "aspirin_ccsd.zip")
    assert read_labels(COUPLED, Declaration(level="ccsd/cc-pvtz", data_folder=tmp_path)).labels.level == "ccsd/cc-pvtz"
    with pytest.raises(InputError, match="stated twice and differ"):
        read_labels(COUPLED, Declaration(energy_unit="eV", data_folder=tmp_path))
