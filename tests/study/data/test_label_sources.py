"""A label file of a sweep: what is declared of it, what is left out of it, and what its card says."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from varied_sets import springs, together

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.write import write_labels
from study.config.label_files import LabelFile
from study.data.card_prices import PricedFile
from study.data.label_sources import declaration_of, load_file
from study.prices import LevelPrice

if TYPE_CHECKING:
    from pathlib import Path

WATER = (np.array([8, 1, 1]), np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]]))
HELIUM = (np.array([2]), np.zeros((1, 3)))


def test_every_field_of_a_declaration_can_be_declared_in_a_sweep(tmp_path: Path) -> None:
    assert {field.name for field in fields(Declaration)} <= LabelFile.model_fields.keys()
    given = LabelFile(file=tmp_path / "a.npz", level="pbe", energy_unit="eV", atom_order=(1, 0), vacuum_box=True)
    assert declaration_of(given) == Declaration(level="pbe", energy_unit="eV", atom_order=(1, 0), vacuum_box=True)


def test_copies_and_single_atoms_are_left_out_and_counted(tmp_path: Path) -> None:
    water = springs(WATER, 20, 1)
    labels = together([water, water.select([3, 5]), springs(HELIUM, 1, 2)])
    write_labels(labels, tmp_path / "a.npz")
    given = LabelFile(file=tmp_path / "a.npz", price="2s", sampling_price=0.5, duplicates="drop")
    found = load_file(PricedFile(given, "sweep file", "random"), {})
    assert len(found.labels) == 20
    assert found.price.label_cpu_s == 2.0
    assert "  2 duplicate frames dropped" in found.card
    assert any(line.startswith("  1 frame of a single atom left out") for line in found.card)
    assert found.card[-1] == "  price: 2 CPU s a label and 0.5 CPU s to sample its geometry (sweep file)"
    assert found.card_json is not None
    assert found.card_json["selection_rule"] == "random"
    with pytest.raises(InputError, match="found 2 copies"):
        load_file(PricedFile(given.model_copy(update={"duplicates": "error"}), "sweep file"), {})


@pytest.mark.parametrize(("outliers", "n", "says"), [("drop", 39, "left out (5)"), ("keep", 40, "kept (5)")])
def test_frames_that_the_others_contradict_are_left_out_or_kept_and_named(
    tmp_path: Path, outliers: str, n: int, says: str
) -> None:
    labels = springs(WATER, 40, 1)
    assert labels.energy is not None
    write_labels(replace(labels, energy=labels.energy + 3.0 * (np.arange(40) == 5)), tmp_path / "a.npz")
    given = LabelFile(file=tmp_path / "a.npz", price="2s")
    with pytest.raises(InputError, match=r"frame 5 .* or set outliers: drop, or outliers: keep if sound"):
        load_file(PricedFile(given, "sweep file"), {})
    found = load_file(PricedFile(given.model_copy(update={"outliers": outliers}), "sweep file"), {})
    assert len(found.labels) == n
    assert any(f"1 outlying frame {says}: frame 5 must have an energy" in line for line in found.card)


def test_a_price_of_the_level_comes_before_that_of_the_file_and_says_so(tmp_path: Path) -> None:
    write_labels(springs(WATER, 20, 1), tmp_path / "a.npz")
    given = LabelFile(file=tmp_path / "a.npz")
    with pytest.raises(InputError, match="needs a price per label"):
        load_file(PricedFile(given, "sweep file"), {"gfn2-xtb": 1.0})
    for price in (None, 2.0):
        priced = PricedFile(given.model_copy(update={"price": price}), "a.meta.json")
        assert load_file(priced, {"ccsd_t/cc-pvdz": 7.0}).price == LevelPrice(7.0, "sweep file")
    assert load_file(priced, {}).price == LevelPrice(2.0, "a.meta.json")


def test_geometries_need_a_level_and_the_price_of_their_sampling(tmp_path: Path) -> None:
    write_labels(springs(WATER, 20, 1), tmp_path / "a.npz")
    given = LabelFile(file=tmp_path / "a.npz", unlabelled=True)
    for message, change in (("add for instance level: gfn2-xtb", {}), ("sampling_price: 28ms", {"level": "gfn2-xtb"})):
        with pytest.raises(InputError, match=message):
            load_file(PricedFile(given.model_copy(update=change), "sweep file"), {})
    whole = given.model_copy(update={"level": "gfn2-xtb", "sampling_price": 0.03})
    found = load_file(PricedFile(whole, "sweep file", "farthest"), {})
    assert found.labels.forces is None
    assert found.card_json is None
    assert found.card[0] == "gfn2-xtb: 20 frames without labels from a.npz"
    assert "farthest-point sampling" in found.card[1]
