"""Units of files: declared, recognised or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from npz_files import WATER, E, F, R, check_values, plain, refused, saved, sgdml

from asteroid.errors import UndeclaredError
from asteroid.io.declaration import Declaration
from asteroid.io.file_units import FileLabels, named_units
from asteroid.io.read import convert, read_labels
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from pathlib import Path


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
    slip = read_labels(path, Declaration(level="ccsd_t/cc-pvtz", energy_unit="kJ/mol", length_unit="A"))
    assert slip.notes == ("energies are read in kJ/mol but would be total energies in kcal/mol: check",)
    assert read_labels(path, Declaration(level="ccsd_t/cc-pvtz", energy_unit="kcal/mol", length_unit="A")).notes == ()


def test_total_energies_of_another_unit_are_not_taken_for_those_of_a_custom(tmp_path: Path) -> None:
    path, energy = tmp_path / "labels.xyz", E / ENERGY_IN_EV["Hartree"]
    lines = []
    for i in range(4):
        lines += ["3", f'Properties=species:S:1:pos:R:3:forces:R:3 energy={energy[i]} pbc="F F F"']
        lines += [f"{s} {' '.join(map(str, (*p, *f)))}" for s, p, f in zip("OHH", R[i], F[i], strict=True)]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UndeclaredError, match=r"would be total energies in Hartree, and eV is recognised") as caught:
        read_labels(path, Declaration(level="mp2"))
    assert caught.value.wanted == {"energy_unit": "Hartree"}
    for unit, factor in (("Hartree", 1.0), ("eV", 1 / ENERGY_IN_EV["Hartree"])):
        declared = Declaration(level="mp2", energy_unit=unit, length_unit="Angstrom", force_unit="eV/Angstrom")
        np.testing.assert_allclose(read_labels(path, declared).labels.energy, factor * E)
