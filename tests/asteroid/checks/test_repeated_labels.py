"""Labels of other frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from guarded_methanol import methanol, refused

from asteroid.checks.repeated_labels import refuse_repeated_labels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet


def test_copies_that_were_shaken_without_new_labels_are_refused() -> None:
    labels = methanol()
    twice = labels.select(np.r_[0 : len(labels), 3, 4, 5])
    shaken = np.array(twice.positions)
    shaken[-3:] += 0.02 * np.random.default_rng(0).normal(size=shaken[-3:].shape)
    message = refused(replace(twice, positions=shaken, frame_id=np.arange(len(twice))))
    assert f"last digit in 3 (frames 3 = {len(labels)}, 4 = {len(labels) + 1}, 5 = " in message


def test_a_label_of_the_frame_before_is_refused() -> None:
    labels = methanol()
    energy, forces = np.array(labels.energy), np.array(labels.forces)
    energy[8], forces[8] = energy[7], forces[7]
    with pytest.raises(InputError, match="must have labels of their own, found the energy and forces of another frame"):
        refuse_repeated_labels(replace(labels, energy=energy, forces=forces), "labels.npz")


def test_sound_sets_and_rounded_labels_of_two_atoms_pass() -> None:
    refuse_repeated_labels(load_methanol().cheap, "xtb")
    pulls = np.array([[[0.0, 0.0, 0.1], [0.0, 0.0, -0.1]]] * 2)
    hydrogen = LabelSet(
        np.array([1, 1]), np.array([[[0, 0, 0], [0, 0, r]] for r in (0.75, 0.7501)]), np.ones(2), pulls, "hf"
    )
    refuse_repeated_labels(hydrogen, "rounded")
