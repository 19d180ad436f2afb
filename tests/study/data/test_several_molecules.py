"""Notes on the molecules of each role: which are tested, bought, pretrained on, and which are not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet
from asteroid.labels.molecules import pad
from study.data.several_molecules import molecule_notes, refuse_models_of_one_molecule

WATER, METHANE, HELIUM = (8, 1, 1), (6, 1, 1, 1, 1), (2, 2)


def frames(*molecules: tuple[int, ...], level: str = "ccsd") -> LabelSet:
    numbers = pad([np.array(molecule) for molecule in molecules])
    positions = pad([np.arange(3.0 * len(molecule)).reshape(-1, 3) for molecule in molecules])
    return LabelSet(numbers, positions, None, None, level)


def sweep(*strategies: str, architectures: tuple[Any, ...] = ()) -> Any:
    return SimpleNamespace(strategies=strategies, architectures=architectures)


def test_one_molecule_needs_no_note() -> None:
    water = LabelSet(np.array(WATER), np.zeros((2, 3, 3)), None, None, "ccsd")
    assert molecule_notes(sweep("asteroid"), water, water, water) == []


def test_each_role_is_compared_with_the_others() -> None:
    test, pool = frames(WATER, METHANE), frames(WATER, HELIUM)
    notes = molecule_notes(sweep("accurate_only"), test, pool, frames(WATER, METHANE, level="pbe"))
    assert all(note.startswith("note: ") for note in notes)
    said = "\n".join(notes)
    assert "test frames of CH4 have no label in the pool" in said
    assert "labels of He2 are bought, and no test frame is of them" in said
    assert "pbe has no frames of He2" in said
    assert "pbe frames of CH4: no accurate label is of them" in said
    assert "is a guess" not in said
    weighted = molecule_notes(sweep("asteroid"), test, pool, frames(WATER, METHANE, level="pbe"))
    assert "no ccsd label has C: the bias of pbe frames that have it is a guess" in weighted[-1]


def test_what_needs_one_composition_is_refused_by_name() -> None:
    mixed = frames(WATER, METHANE)
    refuse_models_of_one_molecule(sweep("accurate_only"), mixed)
    with pytest.raises(InputError, match=r"^strategy gdml needs one composition .* remove it, or study one molecule"):
        refuse_models_of_one_molecule(sweep("gdml"), mixed)
    mlp = SimpleNamespace(architecture="mlp", one_composition=True)
    with pytest.raises(
        InputError, match=r"^architecture mlp needs one composition .* set model: .architecture: schnet"
    ):
        refuse_models_of_one_molecule(sweep("accurate_only", architectures=(mlp,)), mixed)
