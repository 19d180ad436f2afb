"""What a purchase chooses from: geometries in a fixed order, none of them among the frames of pretraining."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_purchase import STUDY, UNITS, study_of
from tiny_sweep import write_labels

from asteroid.errors import InputError
from asteroid.labels.label_set import geometry_hashes
from asteroid.labels.matching import match_geometries
from study.buying.candidates import load_candidates

if TYPE_CHECKING:
    from pathlib import Path

REPLAY = STUDY[STUDY.index("  replay:") : STUDY.index("strategies")]
HERE = (REPLAY, "  candidates: 60\n  level: ccsd_t/cc-pvdz\n  price: 28s\n  here: {}\n")
OWNED = ("data:\n", f"data:\n  accurate: {{file: accurate.npz, level: ccsd_t/cc-pvdz, {UNITS}}}\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_labels(folder)
    return folder


def test_geometries_to_label_are_set_aside_from_the_cheap_frames(files: Path) -> None:
    found = load_candidates(study_of(files, HERE))
    assert (len(found.frames), len(found.owned), len(found.cheap_pool)) == (60, 0, 140)
    assert not match_geometries(found.frames, found.cheap_pool)[0].size
    assert found.cheap_at is not None
    assert found.cheap_at.energy is not None
    np.testing.assert_array_equal(geometry_hashes(found.cheap_at), geometry_hashes(found.frames))
    assert found.prices.accurate_cpu_s(2) == 56


def test_balanced_draws_cover_the_cheap_energies_from_the_start(files: Path) -> None:
    found = load_candidates(study_of(files, HERE))
    assert found.cheap_at is not None
    assert found.cheap_at.energy is not None
    energy = found.cheap_at.energy
    halves = energy[:16] > np.median(energy)
    assert 7 <= halves.sum() <= 9
    assert any("balanced along their gfn2-xtb energy" in line for line in found.card)
    at_random = load_candidates(study_of(files, HERE, ("n_cheap: [40]", "n_cheap: [40]\ndraw: random")))
    assert geometry_hashes(at_random.frames) != geometry_hashes(found.frames)
    assert set(geometry_hashes(at_random.frames)) == set(geometry_hashes(found.frames))


def test_owned_labels_come_first_and_the_certificate_is_told(files: Path) -> None:
    found = load_candidates(study_of(files, HERE, OWNED))
    assert len(found.owned) == 80
    assert geometry_hashes(found.frames)[:80] == geometry_hashes(found.owned)
    assert "80 labels were owned at the start" in found.notes[0]


def test_hidden_labels_are_neither_bought_nor_pretrained_on(files: Path) -> None:
    found = load_candidates(study_of(files))
    assert (len(found.frames), len(found.hidden), len(found.cheap_pool)) == (60, 20, 149)
    assert not match_geometries(found.frames, found.hidden)[0].size


def test_too_few_cheap_frames(files: Path) -> None:
    with pytest.raises(InputError, match="found 200 frames and n_cheap 190"):
        load_candidates(study_of(files, HERE, ("n_cheap: [40]", "n_cheap: [190]")))
