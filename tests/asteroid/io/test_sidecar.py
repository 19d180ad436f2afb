"""The sidecar of a label file states units and level."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from npz_files import KCAL, E, F, check_values, plain, refused, saved

from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


def test_sidecar(tmp_path: Path) -> None:
    content = plain(E=E / KCAL, F=F / KCAL, index=np.array([7, 3, 5, 0]), replica=np.array([0, 0, 1, 1]))
    path = saved(tmp_path, {**content, "cpu_s": np.full(4, 6.0)}, "water_mp2.npz")
    sidecar = tmp_path / "water_mp2.meta.json"
    units = {"R": "Angstrom", "E": "kcal/mol", "F": "kcal/mol/Angstrom"}
    sidecar.write_text(json.dumps({"level": "mp2/cc-pvdz", "units": units}), encoding="utf-8")
    loaded = read_labels(path)
    check_values(loaded.labels)
    assert loaded.units.endswith("declared in water_mp2.meta.json")
    assert loaded.labels.level == "mp2/cc-pvdz"
    assert loaded.labels.frame_id.tolist() == [7, 3, 5, 0]
    assert loaded.labels.group is not None
    assert loaded.labels.group.tolist() == [0, 0, 1, 1]
    assert loaded.labels.cpu_s is not None
    assert loaded.labels.cpu_s.tolist() == [6.0] * 4
    assert "which states mp2/cc-pvdz" in refused(path, "ccsd_t/cc-pvdz")
    assert "stated twice and differ" in refused(path, energy_unit="eV")
    assert read_labels(path, Declaration(energy_unit="kcal/mol", length_unit="Ang")).units.endswith("declared")
    sidecar.write_text(json.dumps({"level": "mp2", "units": {"E": "eV"}}), encoding="utf-8")
    assert "units in water_mp2.meta.json need R and E" in refused(path)
    sidecar.write_text("{units:", encoding="utf-8")
    assert "must be JSON" in refused(path)
    sidecar.write_text("[1]", encoding="utf-8")
    assert "JSON object" in refused(path)
    sidecar.unlink()
    bare = read_labels(path, Declaration(level="mp2", energy_unit="kcal/mol", length_unit="A", group_key="replica"))
    assert bare.labels.frame_id.tolist() == [0, 1, 2, 3]
    assert bare.labels.group is not None
    assert bare.labels.cpu_s is None
    assert bare.notes[0] == "groups from key replica"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"units": {"R": "Angstrom", "E": "eV", "F": 5}}', "need one text for each array"),
        ('{"units": ["eV"]}', "need one text for each array"),
        ('{"level": 5}', "must be a text"),
        ('{"charge": true}', "must be a whole number"),
    ],
)
def test_values_of_another_kind_are_named(tmp_path: Path, content: str, says: str) -> None:
    path = saved(tmp_path, plain())
    path.with_name("labels.meta.json").write_text(content)
    assert says in refused(path, energy_unit="eV", length_unit="A")
