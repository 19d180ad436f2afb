"""What a purchase chooses from: geometries in a fixed order, none of them among the frames of pretraining."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from three_levels import write_three_levels
from tiny_levels import BY_LEVEL, CLIMBING, LADDER, TWO_CHEAP, levels_study
from tiny_purchase import STUDY, UNITS, study_of

from asteroid.errors import InputError
from asteroid.labels.label_set import geometry_hashes
from asteroid.labels.matching import match_geometries
from study.buying.load import load_candidates

if TYPE_CHECKING:
    from pathlib import Path

REPLAY = STUDY[STUDY.index("  replay:") : STUDY.index("strategies")]
HERE = (REPLAY, "  candidates: 60\n  level: ccsd_t/cc-pvdz\n  price: 28s\n  here: {}\n")
OWNED = ("data:\n", f"data:\n  accurate: {{file: accurate.npz, level: ccsd_t/cc-pvdz, {UNITS}}}\n")


def test_geometries_to_label_are_set_aside_from_the_cheap_frames(files: Path) -> None:
    found = load_candidates(study_of(files, HERE))
    assert (len(found.frames), len(found.owned), len(found.cheap[0].pool)) == (60, 0, 140)
    assert not match_geometries(found.frames, found.cheap[0].pool)[0].size
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
    assert (found.balanced, at_random.balanced) == (True, False)
    assert geometry_hashes(at_random.frames) != geometry_hashes(found.frames)
    assert set(geometry_hashes(at_random.frames)) == set(geometry_hashes(found.frames))


def test_owned_labels_come_first_and_the_certificate_is_told(files: Path) -> None:
    found = load_candidates(study_of(files, HERE, OWNED))
    assert len(found.owned) == 80
    assert not found.balanced
    assert geometry_hashes(found.frames)[:80] == geometry_hashes(found.owned)
    assert "80 labels were owned at the start" in found.notes[0]


def test_hidden_labels_are_neither_bought_nor_pretrained_on(files: Path) -> None:
    found = load_candidates(study_of(files))
    assert (len(found.frames), len(found.hidden), len(found.cheap[0].pool)) == (60, 20, 149)
    assert not match_geometries(found.frames, found.hidden)[0].size


def test_too_few_cheap_frames(files: Path) -> None:
    with pytest.raises(InputError, match="found 200 frames and n_cheap 190"):
        load_candidates(study_of(files, HERE, ("n_cheap: [40]", "n_cheap: [190]")))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    write_three_levels(folder)
    return folder


def test_the_level_between_has_geometries_of_its_own(three: Path) -> None:
    found = load_candidates(levels_study(three, LADDER, BY_LEVEL, CLIMBING))
    between = found.intermediate
    assert between is not None
    assert between.known is not None
    assert (len(found.frames), len(between.frames), len(found.hidden)) == (30, 30, 20)
    for others in (found.frames, found.hidden):
        assert not match_geometries(between.frames, others)[0].size
    assert geometry_hashes(between.known) == geometry_hashes(between.frames)
    assert between.cheap_at is not None
    assert found.levels == ("ccsd_t/cc-pvdz", "gfn2-xtb", "mp2/cc-pvdz")
    with pytest.raises(InputError, match=r"n_cheap.mp2/cc-pvdz: 70 labels need as many geometries apart .* found 60"):
        load_candidates(levels_study(three, LADDER, BY_LEVEL, CLIMBING, ("[20, 30]", "[70]")))
    with pytest.raises(InputError, match=r"which leaves 10 of 60: lower n_cheap\.mp2/cc-pvdz"):
        load_candidates(levels_study(three, LADDER, BY_LEVEL, CLIMBING, ("[20, 30]", "[50]")))


def test_no_candidate_is_among_the_frames_of_any_cheap_level(three: Path) -> None:
    found = load_candidates(levels_study(three, TWO_CHEAP))
    assert [own.level for own in found.cheap] == ["gfn2-xtb", "mp2/cc-pvdz"]
    for own in found.cheap:
        assert not match_geometries(found.frames, own.pool)[0].size
        assert not match_geometries(found.hidden, own.pool)[0].size
    with pytest.raises(InputError, match="n_cheap: 160 is larger than the gfn2-xtb pool: the largest possible is 149"):
        load_candidates(levels_study(three, TWO_CHEAP, ("n_cheap: [40]", "n_cheap: [160]")))
