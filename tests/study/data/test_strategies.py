"""What the newer strategies ask of label files: temperature, order of atoms, bare frames, cheap labels, memory."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.models.sgdml import settings
from study.config.sweep_text import parse_sweep
from study.data import load as study_data
from study.data.live_method import LiveMethod
from study.data.load import load_data

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet
    from study.data.load import StudyData

UNLABELLED = "level: gfn2-xtb, length_unit: Angstrom, group_key: group, unlabelled: true, sampling_price: 28ms"
LABELLED = "level: gfn2-xtb, energy_unit: eV, length_unit: Angstrom, group_key: group, price: 1.4ms"


@pytest.fixture(scope="module")
def sets() -> tuple[LabelSet, LabelSet]:
    methanol = load_methanol()
    return methanol.accurate.select(np.arange(60)), methanol.cheap.select(np.arange(7, 20_000, 125))


def load(
    folder: Path,
    sets: tuple[LabelSet, LabelSet],
    strategy: str,
    cheap: str,
    order: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    probes: int = 4,
) -> StudyData:
    accurate, frames = sets
    np.savez(
        folder / "a.npz", z=accurate.numbers, R=accurate.positions, E=accurate.energy, F=accurate.forces,
        group=accurate.group,
    )  # fmt: skip
    index = list(order)
    arrays = {"z": frames.numbers[index], "R": frames.positions[:, index], "group": frames.group}
    if "unlabelled" not in cheap:
        assert frames.forces is not None
        arrays |= {"E": frames.energy, "F": frames.forces[:, index]}
    np.savez(folder / "c.npz", **arrays)
    text = f"""
name: files
data:
  accurate: {{file: a.npz, level: ccsd_t/cc-pvdz, energy_unit: eV, length_unit: Angstrom, group_key: group, price: 28s}}
  cheap: {{file: c.npz, {cheap}}}
test: {{groups: [3]}}
strategies: [accurate_only, {strategy}]
budgets: [10, 30]
n_cheap: [40]
seeds: [0]
identify: {{steps: 10, learning_rate: 0.01, validations: 2}}
score_match: {{steps: 10, learning_rate: 0.01, validations: 2, probes: {probes}}}
finetune:
  standard: {{steps: 10, learning_rate: 0.001, validations: 2}}
"""
    return load_data(parse_sweep(text, "sweep.yaml", folder))


def test_bare_frames_with_a_temperature(tmp_path: Path, sets: tuple[LabelSet, LabelSet]) -> None:
    data = load(tmp_path, sets, "asteroid_unlabelled", f"{UNLABELLED}, temperature_k: 500")
    assert data.cheap[0].temperature_k == 500.0
    assert data.cheap[0].pool.forces is None
    assert data.prices.cheap_cpu_s(0, 100) == pytest.approx(2.8)
    assert any("without labels" in line for line in data.card)


def test_a_missing_temperature_is_asked_for(tmp_path: Path, sets: tuple[LabelSet, LabelSet]) -> None:
    with pytest.raises(InputError, match=r"add temperature_k under data\.cheap"):
        load(tmp_path, sets, "asteroid_unlabelled", UNLABELLED)


def test_bare_frames_have_no_labels_to_pretrain_on(tmp_path: Path, sets: tuple[LabelSet, LabelSet]) -> None:
    with pytest.raises(InputError, match=r"strategy gdml_delta needs cheap labels, data\.cheap is unlabelled"):
        load(tmp_path, sets, "gdml_delta", UNLABELLED)


def test_a_missing_price_of_sampling_is_asked_for(tmp_path: Path, sets: tuple[LabelSet, LabelSet]) -> None:
    bare = UNLABELLED.replace(", sampling_price: 28ms", ", temperature_k: 500")
    with pytest.raises(InputError, match="add for instance sampling_price"):
        load(tmp_path, sets, "asteroid_unlabelled", bare)


@pytest.mark.parametrize(
    "cheap", [UNLABELLED + ", temperature_k: 500", LABELLED + ", temperature_k: 500, sampling_price: 0"]
)
def test_hydrogens_in_another_order_are_put_right_by_the_offered_order(
    tmp_path: Path, sets: tuple[LabelSet, LabelSet], cheap: str
) -> None:
    shuffled = (0, 1, 5, 2, 3, 4)  # the hydroxyl hydrogen comes first
    with pytest.raises(InputError, match="has other bonds") as caught:
        load(tmp_path, sets, "asteroid_unlabelled", cheap, shuffled)
    offered = str(caught.value).partition("add ")[2].partition(" under")[0]
    assert offered.startswith("atom_order: [")
    data = load(tmp_path, sets, "asteroid_unlabelled", f"{cheap}, {offered}", shuffled)
    assert any("temperature" not in line for line in data.card)
    hydroxyl = np.linalg.norm(data.cheap[0].pool.positions[:, 1] - data.cheap[0].pool.positions[:, 5], axis=1)
    assert hydroxyl.max() < 1.3


def test_a_kernel_that_does_not_fit_is_refused_before_anything_trains(
    tmp_path: Path, sets: tuple[LabelSet, LabelSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, sets, "gdml", LABELLED)
    monkeypatch.setattr(settings.psutil, "virtual_memory", lambda: SimpleNamespace(available=3 * 2**20))
    with pytest.raises(InputError, match=r"kernel of 30 frames .* take at most \d+ frames"):
        load(tmp_path, sets, "gdml", LABELLED)
    load(
        tmp_path, sets, "asteroid_unlabelled", f"{LABELLED}, temperature_k: 500, sampling_price: 0"
    )  # no kernel, no refusal


def test_delta_learning_needs_a_cheap_label_at_every_accurate_geometry(
    tmp_path: Path, sets: tuple[LabelSet, LabelSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_data, "live_method", lambda *_: LiveMethod(None, "install tblite"))
    with pytest.raises(InputError, match=r"gfn2-xtb label at every accurate geometry, \d+ of 60 have none"):
        load(tmp_path, sets, "gdml_delta", LABELLED)


def test_copies_among_bare_frames_are_dropped_on_demand(tmp_path: Path, sets: tuple[LabelSet, LabelSet]) -> None:
    accurate, frames = sets
    twice = accurate, frames.select(np.concatenate([np.arange(len(frames)), [0, 5]]))
    cheap = UNLABELLED + ", temperature_k: 500"
    with pytest.raises(InputError, match="duplicates: drop"):
        load(tmp_path, twice, "asteroid_unlabelled", cheap)
    data = load(tmp_path, twice, "asteroid_unlabelled", cheap + ", duplicates: drop")
    assert len(data.cheap[0].pool) == len(load(tmp_path, sets, "asteroid_unlabelled", cheap).cheap[0].pool)
    assert "  2 duplicate frames dropped" in data.card


def test_sampling_of_labelled_frames_has_a_price_too_where_it_is_all_that_is_paid(
    tmp_path: Path, sets: tuple[LabelSet, LabelSet]
) -> None:
    with pytest.raises(InputError, match=r"add for instance sampling_price: 28ms under data.cheap"):
        load(tmp_path, sets, "asteroid_unlabelled", LABELLED + ", temperature_k: 500")
    data = load(tmp_path, sets, "asteroid_unlabelled", LABELLED + ", temperature_k: 500, sampling_price: 0")
    assert data.prices.cheap_cpu_s(0, 10) == 0.0


def test_more_probes_than_directions_are_refused_before_anything_is_written(
    tmp_path: Path, sets: tuple[LabelSet, LabelSet]
) -> None:
    cheap = UNLABELLED + ", temperature_k: 500"
    load(tmp_path, sets, "asteroid_unlabelled", cheap, probes=15)
    with pytest.raises(InputError, match="room for 1 to 15 orthogonal probes, found 16"):
        load(tmp_path, sets, "asteroid_unlabelled", cheap, probes=16)


def test_broken_bonds_are_noted(tmp_path: Path, sets: tuple[LabelSet, LabelSet]) -> None:
    accurate, frames = sets
    assert not any("broken" in line for line in load(tmp_path, sets, "gdml", LABELLED).card)
    positions = accurate.positions.copy()
    positions[4:7, 5] += 1.5 * (positions[4:7, 5] - positions[4:7, 1])
    forces = accurate.forces.copy()
    forces[4:7] = 0.0
    forces[4:7, 5] = 0.3 * (positions[4:7, 1] - positions[4:7, 5])  # each pulls at the other, and nothing else does
    forces[4:7, 1] = -forces[4:7, 5]
    broken = replace(accurate, positions=positions, forces=forces)
    card = load(tmp_path, (broken, frames), "gdml", LABELLED).card
    (note,) = (line for line in card if "broken" in line)
    assert note.startswith("note: a bond is broken in 3 of 60 frames of ccsd_t/cc-pvdz")


def test_delta_learning_is_content_with_exactly_the_paired_labels(
    tmp_path: Path, sets: tuple[LabelSet, LabelSet]
) -> None:
    accurate, _ = sets
    paired = load_methanol().cheap.select(accurate.frame_id)
    data = load(tmp_path, (accurate, paired), "gdml_delta", LABELLED)
    assert len(data.cheap[0].pool) == 0
    np.testing.assert_allclose(data.cheap[0].at[data.accurate.level].energy, paired.energy)
    with pytest.raises(InputError, match="every gfn2-xtb frame is at a geometry"):
        load(tmp_path, (accurate, paired), "asteroid_unlabelled", LABELLED + ", temperature_k: 500, sampling_price: 0")
