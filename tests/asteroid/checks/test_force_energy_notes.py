"""Forces and energies that fit badly in a part of a set: planted faults are noted, sound sets have no note."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_pairs import methanol, with_forces
from varied_sets import AMMONIA, CH2O, FORMALDEHYDE, H2O, HYDROGEN, WATER, mixed, parts, rows_of, springs, together

from asteroid.checks.data_card import label_card
from asteroid.checks.force_energy import fit_molecules
from asteroid.checks.force_energy_notes import force_energy_notes
from asteroid.checks.guards import check_labels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.labels.label_set import LabelSet


def notes_of(labels: LabelSet) -> tuple[str, ...]:
    return force_energy_notes(labels, fit_molecules(labels))


@given(seed=st.integers(0, 10**6), n=st.integers(12, 600), cheap=st.booleans())
@settings(max_examples=20, deadline=None)
def test_sound_sets_have_no_note(seed: int, n: int, cheap: bool) -> None:
    labels = load_methanol().cheap if cheap else methanol()
    rows = np.sort(np.random.default_rng(seed).permutation(len(labels))[:n])
    assert [note for note in notes_of(labels.select(rows)) if "contradict" in note or "group" in note] == []


@pytest.mark.parametrize("scale", [1e-3, 0.02, 0.08])
@pytest.mark.parametrize("molecule", [HYDROGEN, WATER, FORMALDEHYDE, AMMONIA])
def test_cold_and_hot_molecules_have_no_note(
    molecule: tuple[NDArray[np.int64], NDArray[np.float64]], scale: float
) -> None:
    assert notes_of(springs(molecule, 300, 5, scale)) == ()


@pytest.mark.parametrize(("atoms", "name"), [(H2O, "H2O"), (CH2O, "CH2O")])
def test_a_factor_of_one_molecule_names_it(atoms: tuple[int, ...], name: str) -> None:
    checked = check_labels(with_forces(mixed(), 1.3, rows_of(atoms)), "mixed.xyz")
    assert len(checked.notes) == 1
    assert checked.notes[0].startswith(f"energy differences of {name} are 0.7")
    assert checked.fit is not None
    assert not checked.fit.fits_badly


def test_factors_of_several_molecules_are_named_and_of_all_are_one() -> None:
    molecules = (FORMALDEHYDE, HYDROGEN, AMMONIA, (np.array([6, 8]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.13]])))
    off = [
        with_forces(springs(m, 60, 3, 0.03), factor, np.arange(60))
        for m, factor in zip(molecules, (1.3, 0.75, 1.25, 1.3), strict=True)
    ]
    sound = springs(WATER, 400, 3, 0.05)
    (note,) = notes_of(together([sound, *off], None))
    assert note.startswith("energy differences of CH2O are 0.7")
    assert "; also H2 1.3" in note
    assert ", H3N 0.8" in note
    assert note.count(" ± ") == 4
    assert ", 1 more)" in note
    assert "H2O " not in note.replace("CH2O", "")
    (note,) = notes_of(with_forces(mixed(), 1.3, np.arange(len(mixed()))))
    assert note.startswith("energy differences are 0.7")


def test_molecules_with_few_frames_are_named_together() -> None:
    few = [with_forces(springs(m, 4, 7, 0.01), 1.35, np.arange(4)) for m in (FORMALDEHYDE, AMMONIA)]
    (note,) = notes_of(together([parts()[1], *few], None))
    assert note.startswith("energy differences of CH2O, H3N are 0.7")


@pytest.mark.parametrize(("factor", "share"), [(-1.0, 0.05), (-1.0, 0.2), (0.529, 0.05), (0.529, 0.2)])
def test_some_wrong_frames_are_told_and_named(factor: float, share: float) -> None:
    rng = np.random.default_rng(int(100 * share))
    labels = methanol().select(np.sort(rng.permutation(len(methanol()))[:500]))
    wrong = np.zeros(500, dtype=np.bool_)
    wrong[rng.permutation(500)[: int(500 * share)]] = True
    broken = with_forces(labels, factor, wrong)
    (note,) = [note for note in notes_of(broken) if "contradict" in note]
    assert note.startswith("energies and forces contradict each other in ")
    assert "  " not in note
    named = note.split("look at frames ")[1].split(" and ")[0].split(", ")
    true = np.isin([int(name) for name in named], labels.frame_id[wrong])
    assert len(named) == 5
    assert true.sum() >= (4 if factor < 0 else 3)
    if factor < 0:
        with pytest.raises(InputError, match="probably with the wrong sign"):
            check_labels(broken, "labels")
        return
    checked = check_labels(broken, "labels")
    assert note in checked.notes
    sentence = label_card(labels, "labels", checked).force_energy
    assert "too different" not in sentence
    assert f"{checked.fit.contradicting} of " in sentence
    assert "contradict each other" in sentence


def test_a_flipped_replica_is_named() -> None:
    labels = methanol()
    assert labels.group is not None
    (groups, frames) = notes_of(with_forces(labels, -1.0, labels.group == 1))
    assert groups.startswith("energy differences of group 1 are -1.0")
    assert "other groups fit" in groups
    assert " in group 1)" in frames
    few = labels.select(np.arange(0, len(labels), 5))
    assert few.group is not None
    (frames,) = [n for n in notes_of(with_forces(few, -1.0, few.group == 1)) if "contradict" in n]
    assert " in group 1)" in frames
    (groups,) = notes_of(with_forces(labels, 1.3, labels.group == 2))[:1]
    assert groups.startswith("energy differences of group 2 are 0.7")


def test_groups_are_judged_alone_only_with_pairs_of_their_own() -> None:
    labels = methanol()
    assert labels.group is not None
    assert notes_of(labels) == ()
    alone = replace(labels, group=np.arange(len(labels)))
    assert notes_of(with_forces(alone, 1.3, labels.group == 2)) != ()
    assert [n for n in notes_of(with_forces(alone, -1.0, labels.group == 1)) if "group" in n] == []
    apart = methanol().select(np.arange(0, 1360, 340))
    assert notes_of(apart) == ()


def test_wrong_frames_of_one_molecule_are_named_with_it() -> None:
    wrong = rows_of(H2O)[::6]
    (note,) = notes_of(with_forces(mixed(), -1.0, wrong))
    named = note.split("look at frames ")[1].split(" and ")[0].split(", ")
    assert all(name.endswith(" (H2O)") for name in named)
    assert sum(int(name.split()[0]) - 1000 in wrong for name in named) >= 4


def test_a_known_factor_is_no_contradiction() -> None:
    assert [n for n in notes_of(with_forces(methanol(), 1.3, np.arange(len(methanol())))) if "contradict" in n] == []
