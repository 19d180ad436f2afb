"""Outputs of other programs: matched by geometry, turned back, and named where they do not belong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.write import write_labels
from asteroid.labelling.labeller import Failure, Label
from asteroid.labels.charge_and_spin import ChargeAndSpin
from asteroid.labels.label_set import LabelSet
from study.buying.outputs import read_outputs

if TYPE_CHECKING:
    from pathlib import Path


NAMES = [f"g{i:05d}" for i in range(4)]
LEVEL = Declaration(level="ccsd_t/cc-pvdz")


@pytest.fixture
def labels(methanol_sets: tuple[LabelSet, LabelSet]) -> LabelSet:
    return replace(methanol_sets[0].select(np.arange(4)), frame_id=np.arange(4), group=None, cpu_s=None)


def test_a_file_counts_for_what_it_holds_not_for_its_name(labels: LabelSet, tmp_path: Path) -> None:
    paths = [tmp_path / "g00000.xyz", tmp_path / "g00003.xyz", tmp_path / "notes.xyz"]
    write_labels(labels.select([0]), paths[0])
    write_labels(labels.select([1]), paths[1])
    paths[2].write_text("to do\n")
    found = read_outputs(paths, replace(labels, energy=None, forces=None), NAMES, LEVEL)
    assert sorted(found.outcomes) == [0, 1]
    assert found.unused[0] == ("g00003.xyz", "it holds the geometry of g00001")
    assert found.unused[1][0] == "notes.xyz"


def test_what_is_named_after_a_geometry_and_has_no_numbers_is_its_failure(labels: LabelSet, tmp_path: Path) -> None:
    assert labels.energy is not None
    folder = tmp_path / "g00002"  # a folder for each job, as some programs want
    folder.mkdir()
    write_labels(replace(labels, energy=labels.energy * np.nan).select([2]), folder / "job.xyz")
    found = read_outputs([folder / "job.xyz"], replace(labels, energy=None, forces=None), NAMES, LEVEL)
    assert isinstance(found.outcomes[2], Failure)
    assert found.outcomes[2].reason.startswith("no label in job.xyz (")


def test_a_label_is_not_undone_by_a_failed_attempt_beside_it(labels: LabelSet, tmp_path: Path) -> None:
    write_labels(labels.select([1]), tmp_path / "g00001.again.xyz")
    (tmp_path / "g00001.xyz").write_text("SCF NOT CONVERGED\n")
    paths = sorted(tmp_path.iterdir())
    for order in (paths, paths[::-1]):
        found = read_outputs(order, replace(labels, energy=None, forces=None), NAMES, LEVEL)
        assert isinstance(found.outcomes[1], Label)


def test_another_molecule_is_refused(labels: LabelSet, tmp_path: Path) -> None:
    numbers = labels.numbers.copy()
    numbers[1] = 16
    write_labels(replace(labels, numbers=numbers).select([0]), tmp_path / "g00000.xyz")
    with pytest.raises(InputError, match="must hold the molecule that was asked for"):
        read_outputs([tmp_path / "g00000.xyz"], replace(labels, energy=None, forces=None), NAMES, LEVEL)


def test_another_charge_is_refused(labels: LabelSet, tmp_path: Path) -> None:
    path = tmp_path / "g00000.xyz"
    write_labels(labels.select([0]), path)
    path.write_text(path.read_text().replace("Properties=", "charge=-2 Properties="))
    asked = replace(labels, energy=None, forces=None)
    assert isinstance(read_outputs([path], asked, NAMES, LEVEL, ChargeAndSpin(-2)).outcomes[0], Label)
    with pytest.raises(InputError, match=r"g00000\.xyz states charge -2, the study file asks for charge 0"):
        read_outputs([path], asked, NAMES, LEVEL)


def test_alike_geometries_of_a_diatomic_molecule_have_a_label_each(tmp_path: Path) -> None:
    """Its bonds differ by less than what programs round: an output is that of the nearest."""
    bonds = np.array([1.1, 1.1004, 1.1008])
    positions = np.zeros((3, 2, 3))
    positions[:, 1, 2] = bonds
    asked = LabelSet(np.array([7, 7]), positions, None, None, "ccsd_t/cc-pvdz", frame_id=np.arange(3))
    forces = np.stack([np.diff(positions, axis=1)[:, 0], -np.diff(positions, axis=1)[:, 0]], axis=1)
    write_labels(replace(asked, energy=bonds, forces=forces), tmp_path / "all.xyz")
    found = read_outputs([tmp_path / "all.xyz"], asked, NAMES[:3], LEVEL).outcomes
    assert [own.energy_ev for own in found.values() if isinstance(own, Label)] == pytest.approx(bonds[list(found)])
    assert sorted(found) == [0, 1, 2]
