"""Batches computed elsewhere: written, found again in any order and orientation, refused where they do not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from asteroid.errors import InputError
from asteroid.io.write import write_labels
from asteroid.labelling.labeller import Failure, Label
from study.buying.batch import Batch, Pending
from study.buying.hand_over import HandOver
from study.config.buying import HandOverSection

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet

TEMPLATE = "! CCSD(T) cc-pVDZ EnGrad\n* xyz {{ charge }} {{ multiplicity }}\n{{ elements_and_positions_ang }}\n*\n"
N = 6


@pytest.fixture
def labels(methanol_sets: tuple[LabelSet, LabelSet]) -> LabelSet:
    """What the other program would compute."""
    return replace(methanol_sets[0].select(np.arange(N)), frame_id=np.arange(N), group=None, cpu_s=None)


@pytest.fixture
def batch(labels: LabelSet, tmp_path: Path) -> Batch:
    return Batch(3, replace(labels, energy=None, forces=None), None, tmp_path / "003")


def labeller(tmp_path: Path, give_up: bool = False, **section: Any) -> HandOver:
    (tmp_path / "orca.inp.jinja").write_text(TEMPLATE)
    given = HandOverSection(template=tmp_path / "orca.inp.jinja", outputs="*.extxyz", **section)
    return HandOver(given, "ccsd_t/cc-pvdz", 28.0, give_up=give_up)


def turned(labels: LabelSet, seed: int = 0) -> LabelSet:
    """The same as a program that turns molecules and lists the atoms of an element in another order prints it."""
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    order = np.array([0, 1, 5, 3, 4, 2])
    assert sorted(labels.numbers[order]) == sorted(labels.numbers)
    assert labels.forces is not None
    return replace(
        labels,
        numbers=labels.numbers[order],
        positions=np.round(labels.positions[:, order] @ turn.T, 5),
        forces=labels.forces[:, order] @ turn.T,
    )


def test_a_batch_is_written_with_an_input_for_each_geometry(batch: Batch, tmp_path: Path) -> None:
    answer = labeller(tmp_path, charge=-1, unpaired=1).label(batch)
    assert isinstance(answer, Pending)
    names = sorted(path.name for path in batch.folder.iterdir() if not path.name.startswith("."))
    assert names == [*(f"g{i:05d}.inp" for i in range(N)), "geometries.xyz"]
    lines = (batch.folder / "g00002.inp").read_text().splitlines()
    assert lines[:2] == ["! CCSD(T) cc-pVDZ EnGrad", "* xyz -1 2"]
    written = np.array([line.split()[1:] for line in lines[2:8]], dtype=float)
    np.testing.assert_allclose(written, batch.frames.positions[2], atol=1e-9)
    told = " ".join(answer.to_do)
    assert "6 geometries" in told
    assert "g00000.inp to g00005.inp" in told
    assert "such as g00000.extxyz" in told


@pytest.mark.parametrize("one_file", [True, False])
def test_outputs_are_matched_whatever_their_order_and_orientation(
    batch: Batch, labels: LabelSet, tmp_path: Path, one_file: bool
) -> None:
    own = labeller(tmp_path)
    assert isinstance(own.label(batch), Pending)
    printed = turned(labels).select(np.arange(N)[::-1])
    if one_file:
        write_labels(printed, batch.folder / "all.extxyz")
    else:
        for i in range(N):
            write_labels(printed.select([i]), batch.folder / f"job{i}.extxyz")
    found = own.label(batch)
    assert not isinstance(found, Pending)
    assert labels.energy is not None
    assert labels.forces is not None
    for i, outcome in enumerate(found):
        assert isinstance(outcome, Label)
        assert outcome.energy_ev == pytest.approx(labels.energy[i])
        np.testing.assert_allclose(outcome.forces_ev_ang, labels.forces[i], atol=2e-4)
        assert outcome.cpu_s == 28.0


def test_missing_outputs_are_named_and_given_up_only_when_told(batch: Batch, labels: LabelSet, tmp_path: Path) -> None:
    own = labeller(tmp_path)
    own.label(batch)
    for i in (0, 1, 2, 4):
        write_labels(labels.select([i]), batch.folder / f"g{i:05d}.extxyz")
    answer = own.label(batch)
    assert isinstance(answer, Pending)
    assert "4 of 6 outputs found, missing: g00003, g00005" in answer.to_do[0]
    assert "--give-up" in answer.to_do[-1]
    found = labeller(tmp_path, give_up=True).label(batch)
    assert not isinstance(found, Pending)
    assert [isinstance(outcome, Failure) for outcome in found] == [False, False, False, True, False, True]


def test_an_output_without_a_label_is_a_failure_with_its_reason(batch: Batch, labels: LabelSet, tmp_path: Path) -> None:
    own = labeller(tmp_path)
    own.label(batch)
    for i in range(N - 1):
        write_labels(labels.select([i]), batch.folder / f"g{i:05d}.extxyz")
    (batch.folder / "g00005.extxyz").write_text("SCF NOT CONVERGED\n")
    found = own.label(batch)
    assert not isinstance(found, Pending)
    assert isinstance(found[5], Failure)
    assert "no label in g00005.extxyz" in found[5].reason
    assert found[5].cpu_s == 28.0, "the calculation was paid for"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda positions: positions + 0.05 * np.sin(np.arange(18).reshape(6, 3)), "the nearest one, g0000"),
        (lambda positions: positions / 0.529177210903, "add length_unit: Bohr"),
    ],
)
def test_other_geometries_and_units_are_refused(
    batch: Batch, labels: LabelSet, tmp_path: Path, change: Any, says: str
) -> None:
    own = labeller(tmp_path)
    own.label(batch)
    write_labels(replace(labels, positions=change(labels.positions)), batch.folder / "all.extxyz")
    with pytest.raises(InputError, match=says):
        own.label(batch)


def test_two_outputs_of_one_geometry_that_disagree_are_refused(batch: Batch, labels: LabelSet, tmp_path: Path) -> None:
    own = labeller(tmp_path)
    own.label(batch)
    assert labels.energy is not None
    write_labels(labels, batch.folder / "all.extxyz")
    write_labels(replace(labels, energy=labels.energy + 0.1).select([2]), batch.folder / "again.extxyz")
    with pytest.raises(InputError, match="g00002 has two energies that differ by"):
        own.label(batch)


@pytest.mark.parametrize("removed", [True, False])
def test_a_folder_edited_by_hand_is_refused(batch: Batch, tmp_path: Path, removed: bool) -> None:
    own = labeller(tmp_path)
    own.label(batch)
    edited = batch.folder / "g00004.inp"
    if removed:
        edited.unlink()
    else:
        edited.write_text(edited.read_text().replace("cc-pVDZ", "cc-pVTZ"))
    with pytest.raises(InputError, match=r"found that g00004\.inp (is gone|differs)"):
        own.label(batch)


def test_a_folder_that_a_kill_left_half_written_is_written_again(batch: Batch, tmp_path: Path) -> None:
    own = labeller(tmp_path)
    own.label(batch)
    (batch.folder / ".written").unlink()
    (batch.folder / "g00001.inp").unlink()
    assert isinstance(own.label(batch), Pending)
    assert (batch.folder / "g00001.inp").is_file()
