"""Forces and energies that fit badly in a part of a set: planted faults are told, sound sets are silent."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from varied_sets import AMMONIA, CH2O, FORMALDEHYDE, H2O, HYDROGEN, WATER, mixed, parts, rows_of, springs, together

from asteroid.checks.contradicting_pairs import contradictions
from asteroid.checks.data_card import label_card
from asteroid.checks.force_energy import ForceEnergyFit, fit_molecules
from asteroid.checks.force_energy_notes import force_energy_notes
from asteroid.checks.guards import check_labels
from asteroid.checks.neighbour_pairs import NeighbourPairs
from asteroid.datasets import load_methanol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.labels.label_set import LabelSet


@cache
def methanol() -> LabelSet:
    return load_methanol().accurate


def with_forces(labels: LabelSet, factor: float, rows: NDArray[np.integer] | NDArray[np.bool_]) -> LabelSet:
    forces = np.array(labels.forces)
    forces[rows] *= factor
    return replace(labels, forces=forces)


def notes_of(labels: LabelSet) -> tuple[str, ...]:
    return force_energy_notes(labels, fit_molecules(labels))


def pairs_off(times: NDArray[np.float64], rows: NDArray[np.int64]) -> NeighbourPairs:
    """Pairs that are off by so many times their tolerance."""
    n, one = len(times), np.ones(len(times))
    return NeighbourPairs("", one, one + 0.01 * times, 0.05 * one, 0.01 * one, rows, rows + np.zeros((n, 2), np.int64))


@given(seed=st.integers(0, 10**6), n=st.integers(12, 600), cheap=st.booleans())
@settings(max_examples=20, deadline=None)
def test_sound_sets_are_silent(seed: int, n: int, cheap: bool) -> None:
    labels = load_methanol().cheap if cheap else methanol()
    rows = np.sort(np.random.default_rng(seed).permutation(len(labels))[:n])
    assert [note for note in notes_of(labels.select(rows)) if "contradict" in note or "group" in note] == []


@pytest.mark.parametrize("scale", [1e-3, 0.02, 0.08])
@pytest.mark.parametrize("molecule", [HYDROGEN, WATER, FORMALDEHYDE, AMMONIA])
def test_cold_and_hot_molecules_are_silent(
    molecule: tuple[NDArray[np.int64], NDArray[np.float64]], scale: float
) -> None:
    assert notes_of(springs(molecule, 300, 5, scale)) == ()


@pytest.mark.parametrize(("atoms", "name"), [(H2O, "H2O"), (CH2O, "CH2O")])
def test_a_factor_of_one_molecule_names_it(atoms: tuple[int, ...], name: str) -> None:
    checked = check_labels(with_forces(mixed(), 1.3, rows_of(atoms)), "mixed.xyz")
    assert len(checked.notes) == 1
    assert checked.notes[0].startswith(f"energy differences of {name} are 0.7")
    assert checked.fit is not None
    assert not checked.fit.doubtful


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
    checked = check_labels(with_forces(labels, factor, wrong), "labels")
    (note,) = [note for note in checked.notes if "contradict" in note]
    assert note.startswith("energies and forces contradict each other in ")
    assert "  " not in note
    named = note.split("look at frames ")[1].split(" and ")[0].split(", ")
    true = np.isin([int(name) for name in named], labels.frame_id[wrong])
    assert len(named) == 5
    assert true.sum() >= (4 if factor < 0 else 3)
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
    checked = check_labels(with_forces(mixed(), -1.0, wrong), "mixed.xyz")
    (note,) = checked.notes
    named = note.split("look at frames ")[1].split(" and ")[0].split(", ")
    assert all(name.endswith(" (H2O)") for name in named)
    assert sum(int(name.split()[0]) - 1000 in wrong for name in named) >= 4


def test_a_wrong_force_does_not_excuse_itself_by_its_change() -> None:
    # One of two frames has forces of the wrong sign: their change is large, and the tolerance as that of other pairs.
    labels = methanol()
    rows = np.arange(0, len(labels), 7)
    (sound,), (wrong,) = (
        fit_molecules(changed).parts[0].pairs for changed in (labels, with_forces(labels, -20.0, rows))
    )
    np.testing.assert_array_equal(sound.rows, wrong.rows)
    mixed_pairs = np.isin(sound.rows, rows).sum(axis=1) == 1
    assert mixed_pairs.sum() > 50
    # The median stiffness grows too, as a quarter of all pairs are off.
    assert (wrong.tolerance_ev[mixed_pairs] < 8 * sound.tolerance_ev[mixed_pairs]).all()


def test_chance_is_no_contradiction_and_one_bad_frame_does_not_count_thrice() -> None:
    rows = np.arange(60).reshape(30, 2)

    def found(*worst: float, at: NDArray[np.int64] = rows, n: int = 30) -> int | None:
        times = np.full(n, 0.3)
        times[: len(worst)] = worst
        judged = contradictions([pairs_off(times, at)])
        return None if judged is None else judged.contradicting

    assert found() is None
    assert found(1.3, 1.3) is None
    assert found(1.3, 1.3, 1.3) == 3
    assert found(2.0, 1.0) is None
    assert found(2.0, 1.7) == 2
    assert found(2.6) == 1
    star = rows.copy()
    star[:4, 0] = 0
    assert found(1.3, 1.3, 1.3, 1.3, at=star) is None
    many = np.arange(1800).reshape(900, 2)
    assert found(1.3, 1.3, 1.3, at=many, n=900) is None
    assert found(*[1.3] * 9, at=many, n=900) == 9
    assert contradictions([]) is None


def test_suspects_are_the_frames_with_contradicting_pairs_and_few_sound_ones() -> None:
    # Frame 7 contradicts three others, which agree among themselves; frame 20 contradicts 21, which has sound pairs.
    rows = np.array([[7, 1], [7, 2], [3, 7], [1, 2], [2, 3], [20, 21], [21, 22], [21, 23]])
    times = np.array([2.0, 2.0, 2.0, 0.1, 0.1, 2.0, 0.1, 0.1])
    judged = contradictions([pairs_off(times, rows)])
    assert judged is not None
    assert judged.rows.tolist() == [7, 20]
    assert (judged.pairs, judged.contradicting) == (8, 4)


def test_a_known_factor_is_no_contradiction() -> None:
    assert [n for n in notes_of(with_forces(methanol(), 1.3, np.arange(len(methanol())))) if "contradict" in n] == []


def test_few_pairs_do_not_decide_about_the_factor() -> None:
    fit = ForceEnergyFit(100, 1.4, 0.01, 0.95, 0.05, (0, 1), even_ratio=1.4)
    assert fit.doubtful
    assert not replace(fit, even_ratio=1.02).doubtful
    assert not replace(fit, even_ratio=0.7).doubtful
    assert not replace(fit, ratio_error=0.2).doubtful
    assert not replace(fit, correlation=0.7).doubtful
    assert replace(fit, ratio=-1.0, even_ratio=-1.0, correlation=-0.95).doubtful


def test_what_tells_nothing_is_said_as_it_is() -> None:
    far = ForceEnergyFit(200, 3.0, 0.1, 0.7, 0.14, (0, 1))
    assert "too different to tell" in far.sentence()
    near = replace(far, distance_ang=0.033)
    assert "too different" not in near.sentence()
    assert "they hardly fit (a correlation of 0.70" in near.sentence()
