"""The data card of one molecule, of several and of many."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from varied_sets import (
    mixed,
    parts,
    springs,
    together,
)

from asteroid.checks.data_card import label_card
from asteroid.checks.guards import check_labels
from asteroid.labels.molecules import split_molecules


def test_card_of_several_molecules() -> None:
    rng = np.random.default_rng(0)
    labels = replace(mixed(), cpu_s=40.0 + rng.random(len(mixed())))
    card = label_card(labels, "mixed.xyz", check_labels(labels, "mixed.xyz"), "farthest")
    assert card.title() == "ccsd_t/cc-pvdz: 1,500 frames from mixed.xyz (3 molecules of 3 to 6 atoms)"
    first, second, third, *rest = card.lines()
    assert first.startswith("  CH4O: 1,360 frames, 6 atoms, energies -3,1")
    assert first.endswith("CPU s each (median measured)")
    assert second.startswith("  CH2O: 80 frames, 4 atoms, ")
    assert third.startswith("  H2O: 60 frames, 3 atoms, ")
    assert rest[0].startswith("  forces ")
    assert "of 3 molecules" in rest[1]
    assert "farthest" in rest[3]
    plain = json.loads(json.dumps(card.to_json()))
    assert plain["n_atoms"] == 6
    assert plain["energy_range_ev"] is None
    assert plain["formula"] == "CH4O, CH2O, H2O"
    assert [molecule["n_frames"] for molecule in plain["molecules"]] == [1360, 80, 60]
    real = np.concatenate([np.ravel(part.labels.forces) for part in split_molecules(labels)])
    assert plain["force_rms_ev_ang"] == pytest.approx(np.sqrt((real**2).mean()))


def test_card_of_many_molecules_shows_some_and_that_of_one_is_as_ever() -> None:
    sizes = [np.array([6] * n) for n in range(2, 12)]
    chains = [springs((z, np.array([[1.4 * i, 0.0, 0.0] for i in range(len(z))])), 3, 1, 0.03) for z in sizes]
    labels = together(chains)
    lines = label_card(labels, "many.xyz", check_labels(labels, "many.xyz")).lines()
    assert lines[6] == "  and 4 more molecules"
    card = label_card(parts()[1], "one.xyz", check_labels(parts()[1], "one.xyz"))
    assert card.title() == "ccsd_t/cc-pvdz: 60 frames from one.xyz (H2O, 3 atoms)"
    assert "molecules" not in card.to_json()
    assert card.lines()[0].startswith("  energies ")
    alone = replace(card, n_frames=1, n_atoms=1, formula="H")
    assert alone.title() == "ccsd_t/cc-pvdz: 1 frame from one.xyz (H, 1 atom)"
