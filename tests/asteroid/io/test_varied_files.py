"""Files of several molecules: read where that is asked for, written, and refused elsewhere."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import ase
import ase.io
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from varied_files import (
    FOREIGN,
    FORMALDEHYDE,
    HALVES,
    HELIUM,
    LABELS,
    METHANE,
    TURNED,
    UNITS,
    WATER,
    WRITERS,
    as_flattened,
    as_npz,
    check_same,
    declared,
    refused,
    sgdml,
    varied,
)

from asteroid.errors import InputError
from asteroid.io import md17
from asteroid.io.declaration import Declaration
from asteroid.io.file_units import FileLabels, named_units, refuse_several_molecules
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.io.selection_rule import selection_rule_of
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet, content_hashes, geometry_hashes
from asteroid.labels.molecules import named_difference, split_molecules
from asteroid.units import ENERGY_IN_EV

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Writes frames to a file in the folder and returns its path.
    Writer = Callable[[LabelSet, Path], Path]

molecules = st.lists(st.integers(1, 118), min_size=1, max_size=5).map(tuple)
#: Two kinds at least of more than one atom: beside one molecule, isolated atoms would be set aside.
orders = (
    st.lists(molecules, min_size=2, max_size=4, unique=True)
    .filter(lambda kinds: sum(len(kind) > 1 for kind in kinds) > 1)
    .flatmap(lambda kinds: st.lists(st.sampled_from(kinds), max_size=5).map(lambda more: [*kinds, *more]))
)


@given(
    order=orders,
    seed=st.integers(0, 10**6),
    suffix=st.sampled_from(["npz", "xyz", "extxyz"]),
    scale=st.sampled_from([1.0, 1e-12, 1e7]),
    group=st.booleans(),
    cpu_s=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_several_molecules_come_back_to_the_last_bit(
    order: list[tuple[int, ...]], seed: int, suffix: str, scale: float, group: bool, cpu_s: bool
) -> None:
    labels = varied(order, seed, scale=scale, group=group, cpu_s=cpu_s)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"labels.{suffix}")
        write_labels(labels, path, selection_rule="random")
        loaded = read_labels(path, several=True)
        assert selection_rule_of(path) == "random"
        with pytest.raises(InputError, match="must be one molecule"):
            read_labels(path)
    check_same(loaded.labels, labels)
    assert loaded.labels.level == labels.level
    assert loaded.units.startswith("energies in eV, lengths in Angstrom, forces in eV/Angstrom")


@given(order=orders, seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_one_row_per_atom_holds_the_same_frames(order: list[tuple[int, ...]], seed: int) -> None:
    labels = varied(order, seed, group=False, cpu_s=False)
    with tempfile.TemporaryDirectory() as folder:
        loaded = read_labels(as_flattened(labels, Path(folder)), Declaration(level="pbe", **UNITS), several=True).labels
    check_same(loaded, labels)


@given(order=orders, seed=st.integers(0, 10**6), suffix=st.sampled_from(["npz", "xyz"]))
@settings(max_examples=30, deadline=None)
def test_a_frame_has_one_hash_in_files_of_several_and_of_one(
    order: list[tuple[int, ...]], seed: int, suffix: str
) -> None:
    labels = varied(order, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"labels.{suffix}")
        write_labels(labels, path)
        together = read_labels(path, several=True).labels
        for part in split_molecules(labels):
            for alone in (part.labels, labels.select(part.rows)):  # the latter padded as it was among the others
                write_labels(alone, path)
                for several in (True, False):
                    found = read_labels(path, several=several).labels
                    assert not found.varied
                    check_same(found, part.labels)
                    assert content_hashes(found) == [content_hashes(together)[row] for row in part.rows]
                    assert geometry_hashes(found) == [geometry_hashes(together)[row] for row in part.rows]


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_others(name: str, tmp_path: Path) -> None:
    labels = varied()
    path = FOREIGN[name](labels, tmp_path)
    loaded = read_labels(path, declared(path), several=True)
    check_same(loaded.labels, labels, LABELS)
    found = "OH2 in frame 0 and He in frame 1, in all H2O (2 frames), He (1 frame), CH4 (1 frame), CH2O (1 frame)"
    assert named_difference(loaded.labels) == found
    assert not any("order" in note for note in loaded.notes)
    turned = read_labels(path, declared(path, forces_are="gradients"), several=True).labels
    np.testing.assert_array_equal(turned.forces, -labels.forces if labels.forces is not None else None)


@pytest.mark.parametrize("name", FOREIGN)
def test_one_molecule_stays_one_where_several_are_allowed(name: str, tmp_path: Path) -> None:
    labels = varied([WATER, WATER, WATER])
    path = FOREIGN[name](labels, tmp_path)
    for several in (False, True):
        loaded = read_labels(path, declared(path), several=several)
        assert loaded.labels.numbers.tolist() == list(WATER)
        check_same(loaded.labels, split_molecules(labels)[0].labels, LABELS)
        assert not any("one molecule" in note for note in loaded.notes)


@pytest.mark.parametrize("name", WRITERS)
def test_several_molecules_are_refused_where_one_is_read(name: str, tmp_path: Path) -> None:
    path = WRITERS[name](varied([WATER, TURNED, WATER, METHANE, HELIUM, FORMALDEHYDE, (1, 1), (1,)]), tmp_path)
    message = (
        f"frames of {path.name} must be one molecule with one order of atoms, found OH2 in frame 0 and CH4 in frame 3, "
        "in all H2O (3 frames), CH4 (1 frame), He (1 frame), CH2O (1 frame) and 2 more: write one file for each"
    )
    assert refused(path, several=False) == message
    with pytest.raises(InputError) as caught:
        read_geometries(path, Declaration(level="pbe", length_unit=declared(path).length_unit))
    assert str(caught.value) == message


@pytest.mark.parametrize("name", WRITERS)
def test_an_order_of_atoms_is_told_from_a_molecule(name: str, tmp_path: Path) -> None:
    path = WRITERS[name](varied([WATER, WATER, TURNED, (1, 1, 8)]), tmp_path)
    assert refused(path, several=False) == (
        f"frames of {path.name} must be one molecule with one order of atoms, found OH2 in frame 0 and HOH in frame 2: "
        "write the atoms of every frame in one order"
    )


def test_rows_of_one_molecule_are_one_molecule() -> None:
    refuse_several_molecules(varied().select([0, 2]), "a set")
    refuse_several_molecules(varied().select([]), "a set")
    with pytest.raises(InputError, match="found OH2 in frame 0 and He in frame 1"):
        refuse_several_molecules(varied().select([0, 1]), "a set")


def test_places_that_no_frame_fills_are_left_out(tmp_path: Path) -> None:
    labels = varied()
    wide = {
        "z": np.pad(labels.numbers, ((0, 0), (0, 2))).astype(np.uint8),
        "R": np.pad(labels.positions, ((0, 0), (0, 2), (0, 0))),
        "F": np.pad(labels.forces, ((0, 0), (0, 2), (0, 0))) if labels.forces is not None else None,
    }
    path = as_npz(labels, tmp_path, **wide, N=labels.n_atoms)
    check_same(read_labels(path, declared(path), several=True).labels, labels, LABELS)
    for key in "RF":
        filled = np.array(wide[key])
        filled[1, 6, 2] = 0.1
        assert "are zero where a frame has no atom" in refused(as_npz(labels, tmp_path, **{**wide, key: filled}))


def test_bare_geometries_are_written(tmp_path: Path) -> None:
    bare = replace(varied(), energy=None, forces=None)
    for name in ("bare.npz", "bare.xyz"):
        write_labels(bare, tmp_path / name)
        with pytest.raises(InputError, match="must be one molecule"):
            read_geometries(tmp_path / name, Declaration(level="pbe"))
    frames = ase.io.read(tmp_path / "bare.xyz", index=":")
    assert [tuple(atoms.numbers) for atoms in frames] == [WATER, HELIUM, WATER, METHANE, FORMALDEHYDE]


def test_a_set_of_md17_is_always_one_molecule(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = varied()
    assert labels.energy is not None
    assert labels.forces is not None
    units = named_units("eV", "Angstrom", None, "declared")
    file = FileLabels(labels.numbers, labels.positions, labels.energy, labels.forces, usual_level="pbe", declared=units)
    in_memory = replace(md17.FORMAT, read=lambda *_: file)
    monkeypatch.setattr("asteroid.io.formats.FORMATS", (in_memory,))
    with pytest.raises(InputError, match="must be one molecule"):
        read_labels("md17:ethanol", several=True)


def test_total_energies_are_recognised_frame_by_frame(tmp_path: Path) -> None:
    labels = varied(HALVES)
    assert labels.energy is not None
    loaded = read_labels(sgdml(labels, tmp_path, "kcal/mol"), Declaration(level="mp2"), several=True)
    assert "recognised from the keys of sGDML and MD17 and from total energies of" in loaded.units
    molecules = labels.n_atoms > 1  # of one kind: isolated atoms beside it are set aside
    np.testing.assert_allclose(loaded.labels.energy, labels.energy[molecules], rtol=1e-12)
    assert not loaded.labels.varied
    assert "3 frames of a single atom left out: no force can act in it" in loaded.notes
    message = refused(sgdml(labels, tmp_path, "eV"), energy_unit=None, length_unit=None)
    assert "states no units and energies of" in message
    assert "no total energies in kcal/mol" in message
    assert any(f"energies of {energy:,.6g} are" in message for energy in labels.energy)
    broken = np.where(np.arange(6) < 4, np.nan, labels.energy / ENERGY_IN_EV["kcal/mol"])
    assert (
        "recognised"
        in read_labels(sgdml(labels, tmp_path, "eV", E=broken), Declaration(level="mp2"), several=True).units
    )
    for energy in (np.full(6, np.nan), np.zeros(4), np.zeros(9), np.array(["-1"] * 6)):
        path = sgdml(labels, tmp_path, "eV", E=energy)
        assert "states no units" in refused(path, energy_unit=None, length_unit=None)


def test_a_broken_label_does_not_decide_the_unit(tmp_path: Path) -> None:
    labels = varied([HELIUM, HELIUM, WATER, METHANE, METHANE])
    assert labels.energy is not None
    energy = np.where(np.arange(5) == 2, -500.0, labels.energy) / ENERGY_IN_EV["kcal/mol"]
    assert np.argsort(energy)[2] == 2, "the median energy is the broken one"
    path = sgdml(labels, tmp_path, "eV", E=energy)
    assert "recognised" in read_labels(path, Declaration(level="mp2"), several=True).units


def test_slips_of_units_are_noted(tmp_path: Path) -> None:
    path = sgdml(varied(HALVES), tmp_path, "kcal/mol")
    slip = read_labels(path, Declaration(level="mp2", energy_unit="kJ/mol", length_unit="A"), several=True)
    assert "energies are read in kJ/mol but would be total energies in kcal/mol: check" in slip.notes
    right = read_labels(path, Declaration(level="mp2", energy_unit="kcal/mol", length_unit="A"), several=True)
    assert not any("total energies" in note for note in right.notes)
