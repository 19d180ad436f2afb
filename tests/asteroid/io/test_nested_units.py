"""Units in JSON are used under keys of every name, and refused where they are contradicted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import ase
import ase.db
import numpy as np
import pytest
from ase_water import E, F, R

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.nested_units import stated_in_mapping
from asteroid.io.read import read_labels
from asteroid.units import ENERGY_IN_EV

if TYPE_CHECKING:
    from pathlib import Path

KCAL = {"energy": "kcal/mol", "length": "Angstrom", "force": "kcal/mol/Angstrom"}
KCAL_EV = ENERGY_IN_EV["kcal/mol"]
FLAT = {"energy": "kcal/mol", "positions": "Angstrom", "forces": "kcal/mol/Angstrom"}


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("metadata", FLAT, KCAL),
        ("info", json.dumps(FLAT, separators=(",", ":")), KCAL),
        ("info", str(FLAT), KCAL),
        ("attrs", {"properties": {"energy": {"unit": "Ha", "shape": [1]}, "R": {"units": "Bohr"}}}, None),
        ("attrs", {"units": {"energy": "au", "length": "au"}}, None),
        ("attrs", [{"name": "set", "energy_unit": "Hartree"}, {"distance": "Bohr"}], None),
        ("data", '_JSON {"about": "{\\"energy\\": \\"Hartree\\", \\"r\\": \\"bohr\\"}"}', None),
        ("conversion", ["Hartree", "Bohr"], None),
        ("settings", {"energy": {"functional": "pbe"}, "force": "field", "level": "pbe/def2-svp", "e": 3}, {}),
        ("settings", '{"energy": "eV"', {"energy": "eV"}),
        ("settings", "[" * 10_000, {}),
    ],
)
def test_json_states_units_under_every_key(key: str, value: object, found: dict[str, str] | None) -> None:
    wanted = {"energy": "Hartree", "length": "Bohr"} if found is None else found
    assert {s.about: s.unit for s in stated_in_mapping({key: value}, "a.xyz", "frame 0")} == wanted


def test_what_it_says_is_a_unit_must_be_one() -> None:
    with pytest.raises(InputError, match=r"'Rydberg' as the unit of its energies in frame 0, about.energy"):
        stated_in_mapping({"about": {"energy": {"unit": "Rydberg"}}}, "a.xyz", "frame 0")


@pytest.mark.parametrize("kind", ["xyz", "npz", "flattened", "sidecar", "database"])
def test_labels_are_read_in_them(tmp_path: Path, kind: str) -> None:
    text, numbers = json.dumps({"set": FLAT}, separators=(",", ":")), np.array([8, 1, 1])
    path = tmp_path / {"xyz": "a.xyz", "database": "a.db"}.get(kind, "a.npz")
    arrays = {"E": E / KCAL_EV, "F": F / KCAL_EV}
    if kind == "xyz":
        blocks = []
        for r, e, f in zip(R, arrays["E"], arrays["F"], strict=True):
            escaped = text.replace('"', '\\"')
            head = f'3\nProperties=species:S:1:pos:R:3:forces:R:3 energy={e} set="{escaped}" pbc="F F F"\n'
            rows = [f"{s} " + " ".join(map(str, (*x, *y))) for s, x, y in zip("OHH", r, f, strict=True)]
            blocks.append(head + "\n".join(rows) + "\n")
        path.write_text("".join(blocks))
    elif kind == "npz":
        np.savez(path, z=numbers, R=R, **arrays, about=np.array(text))
    elif kind in ("flattened", "sidecar"):
        flat = {"Z": np.tile(numbers, len(R)), "R": R.reshape(-1, 3), "N": np.full(len(R), 3)}
        more = {"about": np.array(text)} if kind == "flattened" else {}
        np.savez(path, **flat, E=arrays["E"], F=arrays["F"].reshape(-1, 3), **more)
        if kind == "sidecar":
            units = {"R": "Angstrom", "E": "kcal/mol", "F": "kcal/mol/Angstrom"}
            (tmp_path / "a.meta.json").write_text(json.dumps({"units": units, "level": "pbe"}))
    else:
        with ase.db.connect(path) as database:
            for r, e, f in zip(R, arrays["E"], arrays["F"], strict=True):
                database.write(ase.Atoms(numbers, r), data={"energy": float(e), "forces": f})
            database.metadata = {"set": FLAT}
    keys = {"energy_key": "energy", "forces_key": "forces"} if kind == "database" else {}
    labels = read_labels(path, Declaration(level="pbe", **keys)).labels
    np.testing.assert_allclose(labels.energy, E)
    np.testing.assert_allclose(labels.forces, F)
    with pytest.raises(InputError, match="stated twice and differ"):
        read_labels(path, Declaration(level="pbe", energy_unit="eV", length_unit="Angstrom", **keys))
