from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from guarded_methanol import methanol, refused
from varied_sets import mixed

from asteroid.checks import single_frames
from asteroid.checks.guards import check_labels
from asteroid.checks.single_frames import broken_frames, drop_broken_frames, dropped_notes
from asteroid.checks.springs import SpringFit
from asteroid.datasets import load_methanol

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labels.label_set import LabelSet

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def _moved(size: float) -> Callable[[Arrays], None]:
    def fault(arrays: Arrays) -> None:
        arrays[0][7, 2, 0] = size

    return fault


def _times(factor: float) -> Callable[[Arrays], None]:
    def fault(arrays: Arrays) -> None:
        arrays[2][7] *= factor

    return fault


def _component(arrays: Arrays) -> None:
    arrays[2][7, 1, 2] = 99.0


def _energy(arrays: Arrays) -> None:
    arrays[1][7] += 20.0


def _exchanged(arrays: Arrays) -> None:
    arrays[2][[7, 8]] = arrays[2][[8, 7]]


def _swapped(arrays: Arrays) -> None:
    arrays[0][7, [0, 1]] = arrays[0][7, [1, 0]]


def _zero(arrays: Arrays) -> None:
    arrays[2][7, 0] = 0.0


def _pushed(arrays: Arrays) -> None:
    arrays[2][7] += 0.3


FAULTS: dict[str, tuple[Callable[[Arrays], None], str]] = {
    "1e100": (_moved(1e100), "must be one molecule, found atom 2 (H) 1e+100 Å from its nearest neighbour"),
    "1e3": (_moved(1e3), "a wrong coordinate"),
    "8 Å": (_moved(8.0), "a wrong coordinate"),
    "component": (_component, "a net force of"),
    "times 120": (_times(120.0), ""),
    "times 23": (_times(10.0), "times as large as its geometry makes them, probably in another unit"),
    "negated": (_times(-1.0), "the wrong sign"),
    "energy": (_energy, "eV off"),
    "exchanged": (_exchanged, "another"),
    "swapped": (_swapped, "another"),
    "zero": (_zero, "the force of atom 0 is zero, as a constraint leaves it"),
    "pushed": (_pushed, "must have forces that add up to zero"),
}


def planted(name: str, labels: LabelSet) -> LabelSet:
    arrays = (np.array(labels.positions), np.array(labels.energy), np.array(labels.forces))
    FAULTS[name][0](arrays)
    return replace(labels, positions=arrays[0], energy=arrays[1], forces=arrays[2])


@pytest.mark.parametrize("name", FAULTS)
def test_one_broken_frame_is_refused_by_its_number_with_the_cause(name: str) -> None:
    message = refused(planted(name, methanol()))
    assert f"frame {methanol().frame_id[7]} " in message
    if name == "times 120":  # which is above the bound of any force
        assert "must stay below 100 eV/Å" in message
    else:
        assert message.startswith("frame ")
        assert FAULTS[name][1] in message
    assert "convergence" not in message
    assert len(message) < 500


@pytest.mark.parametrize("name", FAULTS)
def test_broken_frames_can_be_dropped_and_are_counted(name: str) -> None:
    broken = planted(name, methanol())
    kept, dropped = drop_broken_frames(broken)
    rows = [frame.row for frame in dropped]
    assert rows == ([7, 8] if name == "exchanged" else [7])
    assert len(kept) == 60 - len(rows)
    (note,) = dropped_notes(broken, dropped)
    assert note.startswith(f"{len(rows)} outlying frame")
    check_labels(kept, "labels.npz")


def test_sound_sets_have_none() -> None:
    for labels in (load_methanol().accurate, load_methanol().cheap.select(np.arange(0, 20000, 9)), mixed()):
        assert broken_frames(labels) == ()
        assert drop_broken_frames(labels)[0] is labels


def test_the_end_of_a_long_tail_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in 6,000 frames of hydrogen peroxide, whose torsion no quadratic form follows."""
    labels = load_methanol().accurate.select(np.arange(60))
    misfit = np.full(60, 0.1)
    misfit[[3, 4, 5]] = (0.7, 0.83, 1.02)
    one, every = np.ones(60), np.ones(60, dtype=np.bool_)
    alike, scale = 0.5 * one, one.copy()
    monkeypatch.setattr(
        single_frames, "fit_coupled_springs", lambda *_: SpringFit(every, misfit, scale, alike, 0.0 * one)
    )
    assert broken_frames(labels) == ()
    misfit[7] = 1.2
    assert [frame.row for frame in broken_frames(labels)] == [7]
    alike[7], scale[7] = 0.99, 1.55  # a molecule of NH2 that is nearly straight
    assert broken_frames(labels) == ()
    scale[7] = 2.5
    assert [frame.row for frame in broken_frames(labels)] == [7]


def test_a_fault_of_the_whole_set_is_not_blamed_on_frames() -> None:
    assert "cannot be in Å" in refused(replace(methanol(), positions=methanol().positions * 0.529))
    forces = np.array(methanol().forces)
    assert "root mean square" in refused(replace(methanol(), forces=23.06 * forces))
    assert broken_frames(replace(methanol(), forces=-forces)) == ()
