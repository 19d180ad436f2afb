from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.file_units import FileLabels, named_units
from asteroid.io.geometries import read_geometries
from asteroid.io.read import convert, read_labels
from asteroid.labels.total_energy import all_electron_energy_ev
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from pathlib import Path

WATER = np.array([8, 1, 1])
REST = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
RNG = np.random.default_rng(0)
R = REST + 0.05 * RNG.normal(size=(4, 3, 3))
E = all_electron_energy_ev(WATER) + RNG.normal(size=4)
F = RNG.normal(size=(4, 3, 3))
KCAL = ENERGY_IN_EV["kcal/mol"]


def sgdml(**changes: Any) -> dict[str, Any]:
    """The keys and types of the CCSD(T) files published with sGDML."""
    content = {
        "z": WATER.astype(np.uint8),
        "R": R,
        "E": E[:, None] / KCAL,
        "F": F / KCAL,
        "type": np.array(b"d"),
        "md5": np.array(b"0123456789abcdef0123456789abcdef"),
        "name": np.array(b"water_ccsd_t"),
        "theory": np.array("Psi4: CCSD(T), cc-pVTZ"),
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def revised(**changes: Any) -> dict[str, Any]:
    content = {
        "nuclear_charges": WATER.astype(np.uint8),
        "coords": R,
        "energies": E / KCAL,
        "forces": F / KCAL,
        "old_indices": np.array([5, 9, 1, 2]),
        "old_energies": E,
        "old_forces": F,
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def plain(**changes: Any) -> dict[str, Any]:
    return {"z": WATER, "R": R, "E": E, "F": F, **changes}


def saved(folder: Path, content: dict[str, Any], name: str = "labels.npz") -> Path:
    np.savez(folder / name, **content)
    return folder / name


def check_values(labels: Any) -> None:
    assert labels.numbers.tolist() == [8, 1, 1]
    np.testing.assert_allclose(labels.positions, R, rtol=1e-12)
    np.testing.assert_allclose(labels.energy, E, rtol=1e-12)
    np.testing.assert_allclose(labels.forces, F, rtol=1e-12)


def refused(path: Path, level: str | None = "mp2", **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_labels(path, Declaration(level=level, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sgdml_without_units_is_recognised_by_its_total_energies(tmp_path: Path) -> None:
    loaded = read_labels(saved(tmp_path, sgdml()))
    check_values(loaded.labels)
    assert loaded.labels.level == "ccsd_t/cc-pvtz"
    assert "recognised from the keys of sGDML and MD17 and from total energies of" in loaded.units
    assert loaded.units.startswith("energies in kcal/mol, lengths in Angstrom, forces in kcal/mol/Angstrom:")
    assert loaded.notes == ("level ccsd_t/cc-pvtz read from 'Psi4: CCSD(T), cc-pVTZ'",)


@pytest.mark.parametrize("unit", ["eV", "kJ/mol", "Hartree"])
def test_sgdml_in_other_units_is_not_taken_for_kcal(tmp_path: Path, unit: str) -> None:
    path = saved(tmp_path, sgdml(E=E / ENERGY_IN_EV[unit], F=F / ENERGY_IN_EV[unit]))
    message = refused(path, None)
    assert "states no units" in message
    assert "no total energies in kcal/mol" in message
    assert "energy_unit: kcal/mol, length_unit: Angstrom" in message
    loaded = read_labels(path, Declaration(energy_unit=unit, length_unit="Angstrom"))
    check_values(loaded.labels)
    assert loaded.units.endswith("declared")


def test_sgdml_may_declare_its_units(tmp_path: Path) -> None:
    bohr = LENGTH_IN_ANG["Bohr"]
    content = sgdml(R=R / bohr, E=E / 27.211386024367243, F=F * bohr / 27.211386024367243, type=None)
    path = saved(tmp_path, {**content, "r_unit": np.array(b"Bohr"), "e_unit": np.array(b"Ha")})
    loaded = read_labels(path)
    np.testing.assert_allclose(loaded.labels.energy, E, rtol=1e-9)
    np.testing.assert_allclose(loaded.labels.forces, F, rtol=1e-9)
    np.testing.assert_allclose(loaded.labels.positions, R, rtol=1e-9)
    assert "Hartree/Bohr: declared by e_unit and r_unit in the file" in loaded.units
    assert "stated twice" in refused(path, None, energy_unit="eV")
    check_values(
        read_labels(saved(tmp_path, plain()), Declaration(level="hf", energy_unit="eV", length_unit="A")).labels
    )


def test_theory_without_form_needs_a_level(tmp_path: Path) -> None:
    path = saved(tmp_path, sgdml(theory=np.array("unknown")))
    assert "declare level" in refused(path, None)
    assert read_labels(path, Declaration(level="CCSD/cc-pVDZ")).labels.level == "ccsd/cc-pvdz"


def test_revised_md17(tmp_path: Path) -> None:
    loaded = read_labels(saved(tmp_path, revised()))
    check_values(loaded.labels)
    assert loaded.labels.level == "pbe/def2-svp"
    assert "recognised from the keys of revised MD17" in loaded.units
    assert loaded.labels.group is None
    unmarked = saved(tmp_path, revised(old_indices=None))
    assert "declare level" in refused(unmarked, None)
    assert "states pbe/def2-svp" in refused(saved(tmp_path, revised()), "pbe")


def test_plain_arrays_need_declared_units(tmp_path: Path) -> None:
    path = saved(tmp_path, plain())
    assert "labels.npz states no units: declare them" in refused(path)
    assert "no length unit is declared" in refused(path, energy_unit="eV")
    assert "no energy unit is declared" in refused(path, length_unit="nm")
    assert "unknown energy unit 'furlong'" in refused(path, energy_unit="furlong", length_unit="A")


def test_forces_may_have_a_unit_of_their_own(tmp_path: Path) -> None:
    hartree, bohr = ENERGY_IN_EV["Hartree"], LENGTH_IN_ANG["Bohr"]
    path = saved(tmp_path, plain(E=E / hartree, F=F * bohr / hartree))
    units = {"energy_unit": "Hartree", "length_unit": "Angstrom", "force_unit": "Ha/bohr"}
    loaded = read_labels(path, Declaration(level="hf", **units))
    check_values(loaded.labels)
    assert "forces in Hartree/Bohr" in loaded.units


@given(
    energy=st.sampled_from(sorted(ENERGY_IN_EV)),
    length=st.sampled_from(sorted(LENGTH_IN_ANG)),
    own_force=st.booleans(),
)
def test_units_go_round(energy: str, length: str, own_force: bool) -> None:
    ev, ang = ENERGY_IN_EV[energy], LENGTH_IN_ANG[length]
    force, per = ("meV/Angstrom", 1e-3) if own_force else (None, ev / ang)
    file = FileLabels(numbers=WATER, positions=R / ang, energy=E / ev, forces=F / per)
    check_values(convert(file, named_units(energy, length, force, "declared"), "labels.npz", "hf").labels)


def test_slips_inside_the_bounds_of_the_guards_are_noted(tmp_path: Path) -> None:
    path = saved(tmp_path, sgdml())
    slip = read_labels(path, Declaration(level="ccsd", energy_unit="kJ/mol", length_unit="A"))
    assert slip.notes == ("energies are read in kJ/mol but would be total energies in kcal/mol: check",)
    assert read_labels(path, Declaration(level="ccsd", energy_unit="kcal/mol", length_unit="A")).notes == ()


def test_named_keys(tmp_path: Path) -> None:
    content = {"z": WATER, "R": R, "E_pbe_svp": E, "F_pbe_svp": F, "E_pbe_ts": 2 * E, "F_pbe_ts": 2 * F}
    path = saved(tmp_path, {**content, "md17_index": np.arange(4)})
    units = {"energy_unit": "eV", "length_unit": "A"}
    loaded = read_labels(path, Declaration(level="pbe", energy_key="E_pbe_svp", forces_key="F_pbe_svp", **units))
    check_values(loaded.labels)
    assert loaded.labels.frame_id.tolist() == [0, 1, 2, 3]
    assert "found the keys E_pbe_svp, E_pbe_ts, F_pbe_svp" in refused(path, **units)
    assert "name both" in refused(path, energy_key="E_pbe_svp", **units)
    missing = refused(path, energy_key="E_pbe", forces_key="F_pbe_svp", **units)
    assert "energies under E_pbe, found the keys" in missing
    assert "no key 'run'" in refused(path, energy_key="E_pbe_svp", forces_key="F_pbe_svp", group_key="run", **units)


@pytest.mark.parametrize("missing", ["z", "R", "E", "F"])
def test_missing_arrays_are_refused_with_the_keys_found(tmp_path: Path, missing: str) -> None:
    content = plain()
    del content[missing]
    message = refused(saved(tmp_path, content), energy_unit="eV", length_unit="A")
    assert f"found the keys {', '.join(sorted(content))}" in message


def test_one_row_of_elements_per_frame(tmp_path: Path) -> None:
    units = {"energy_unit": "eV", "length_unit": "A"}
    rows = {"Z": np.tile(WATER, (4, 1)), "N": np.full(4, 3), "R": R, "E": E, "F": F, "Q": np.zeros(4), "D": R[:, 0]}
    check_values(read_labels(saved(tmp_path, rows), Declaration(level="mp2", **units)).labels)
    other = np.tile(WATER, (4, 1))
    other[2, 1] = 9
    assert "must be one molecule" in refused(saved(tmp_path, {**rows, "Z": other}), **units)
    assert "found 2 in frame 2, whose row of atomic numbers has 3" in refused(
        saved(tmp_path, {**rows, "N": np.array([3, 3, 2, 3])}), **units
    )
    assert "must be whole" in refused(saved(tmp_path, {**rows, "Z": np.array(["O", "H", "H"])}), **units)


def flattened(**changes: Any) -> dict[str, Any]:
    """The layout of the reference code: one row per atom."""
    content = {"R": R.reshape(-1, 3), "Z": np.tile(WATER, 4), "N": np.full(4, 3), "E": E, "F": F.reshape(-1, 3)}
    return {**content, "id": np.array([3, 1, 4, 15]), **changes}


@pytest.mark.parametrize("energy_shape", [(4,), (4, 1)])
def test_one_row_per_atom(tmp_path: Path, energy_shape: tuple[int, ...]) -> None:
    path = saved(tmp_path, flattened(E=E.reshape(energy_shape), run=np.array([0, 0, 1, 1])))
    loaded = read_labels(path, Declaration(level="mp2", energy_unit="eV", length_unit="A", group_key="run"))
    check_values(loaded.labels)
    assert loaded.labels.frame_id.tolist() == [3, 1, 4, 15]
    assert loaded.labels.group is not None
    assert loaded.labels.group.tolist() == [0, 0, 1, 1]
    assert "states no units" in refused(path)
    assert "declare level" in refused(path, None, energy_unit="eV", length_unit="A")
    bare = read_geometries(path, Declaration(level="mp2", length_unit="A", group_key="run"))
    np.testing.assert_array_equal(bare.positions, R)


def test_molecules_of_a_flattened_file_are_named(tmp_path: Path) -> None:
    units = {"energy_unit": "eV", "length_unit": "A"}
    numbers = np.concatenate([WATER, WATER, [6, 1, 1], [8, 1], [8]])
    sizes = np.array([3, 3, 3, 2, 1])
    message = refused(saved(tmp_path, flattened(Z=numbers, N=sizes, E=np.zeros(5))), **units)
    assert message == (
        "frames of labels.npz must be one molecule with one order of atoms, found OH2 in frame 0 and CH2 in frame 2, "
        "in all H2O (2 frames), CH2 (1 frame), HO (1 frame), O (1 frame): write one file for each"
    )
    assert "found OH2 in frame 0 and HOH in frame 3: write the atoms of every frame in one order" in refused(
        saved(tmp_path, flattened(Z=np.concatenate([np.tile(WATER, 3), [1, 8, 1]]))), **units
    )


def test_short_floats_are_noted_where_they_lose_energies(tmp_path: Path) -> None:
    path = saved(tmp_path, plain(E=E.astype(np.float32), R=R.astype(np.float32)))
    notes = read_labels(path, Declaration(level="hf", energy_unit="eV", length_unit="A")).notes
    assert notes == (
        "energies are stored as float32, in steps of 0.00024 eV: store them in double precision or subtract a "
        "constant first",
    )
    relative = saved(tmp_path, plain(E=(E - E[0]).astype(np.float32)))
    assert read_labels(relative, Declaration(level="hf", energy_unit="eV", length_unit="A")).notes == ()


def test_files_of_this_project_need_no_declarations(tmp_path: Path) -> None:
    own = {"level": np.array("mp2/cc-pvdz"), "e_unit": np.array("kcal/mol"), "r_unit": np.array("Angstrom")}
    content = plain(E=E / KCAL, F=F / KCAL, index=np.array([7, 3, 5, 0]), group=np.array([0, 0, 1, 1]), **own)
    loaded = read_labels(saved(tmp_path, {**content, "cpu_s": np.full(4, 6.0)}))
    check_values(loaded.labels)
    assert loaded.labels.level == "mp2/cc-pvdz"
    assert loaded.labels.frame_id.tolist() == [7, 3, 5, 0]
    assert loaded.labels.cpu_s is not None
    assert loaded.notes == ("groups from key group",)


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
    assert "read from .npz, .xyz, .extxyz, .db or another file that ASE knows" in refused(tmp_path / "labels.pt")


def test_shapes_that_disagree_are_refused_with_the_file_name(tmp_path: Path) -> None:
    units = {"energy_unit": "eV", "length_unit": "A"}
    assert "labels.npz: energy needs the shape [4]" in refused(saved(tmp_path, plain(E=E[:3])), **units)
    assert "labels.npz: forces needs the shape" in refused(saved(tmp_path, plain(F=F[:, :2])), **units)
    assert "energies must be numbers" in refused(saved(tmp_path, plain(E=np.array(["a"] * 4))), **units)
