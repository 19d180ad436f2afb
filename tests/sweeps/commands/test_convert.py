"""`convert`: several molecules in one file, and remedies in the words of the command line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_line import answer

from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet, content_hashes
from asteroid.labels.molecules import pad
from sweeps.commands.convert import in_options

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WATER = (np.array([8, 1, 1]), np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]]))
ETHYNE = (np.array([6, 6, 1, 1]), np.array([[0.0, 0.0, 0.6], [0.0, 0.0, -0.6], [0.0, 0.0, 1.66], [0.0, 0.0, -1.66]]))
SPRING_EV_ANG2 = 30.0


def springs(positions: NDArray[np.float64], rest: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Energy and forces of springs between all atoms."""
    apart = positions[:, None] - positions[None]
    length, at_rest = np.linalg.norm(apart, axis=-1), np.linalg.norm(rest[:, None] - rest[None], axis=-1)
    stretched = length - at_rest
    pull = SPRING_EV_ANG2 * stretched / np.where(length > 0, length, 1.0)
    return float(SPRING_EV_ANG2 * (stretched**2).sum() / 4), -(pull[..., None] * apart).sum(axis=1)


def mixture(n: int = 60) -> LabelSet:
    """Water and ethyne in turns, with energies and forces that belong together."""
    rng = np.random.default_rng(0)
    numbers, rests = zip(*([WATER, ETHYNE] * (n // 2)), strict=True)
    positions = [rest + rng.normal(scale=0.03, size=rest.shape) for rest in rests]
    energy, forces = zip(*(springs(x, rest) for x, rest in zip(positions, rests, strict=True)), strict=True)
    group = np.arange(n) % 3
    return LabelSet(
        pad(numbers), pad(positions), np.array(energy), pad(forces), "pbe", group=group, cpu_s=rng.random(n)
    )


@pytest.mark.parametrize("suffixes", [("npz", "xyz"), ("extxyz", "npz")])
def test_several_molecules_are_converted(suffixes: tuple[str, str], tmp_path: Path) -> None:
    labels = mixture()
    given, out = (tmp_path / f"mixture{number}.{suffix}" for number, suffix in enumerate(suffixes))
    write_labels(labels, given, selection_rule="random")
    code, printed, error = answer("convert", str(given), str(out))
    assert (code, error) == (0, "")
    assert "H2O: 30 frames, 3 atoms" in printed
    assert "C2H2: 30 frames, 4 atoms" in printed
    found = read_labels(out, Declaration(level="pbe"), several=True).labels
    assert content_hashes(found) == content_hashes(labels)
    for field in ("numbers", "frame_id", "group", "cpu_s"):
        np.testing.assert_array_equal(getattr(found, field), getattr(labels, field))


def test_several_molecules_pass_the_guards_or_stay_where_they_are(tmp_path: Path) -> None:
    labels, given, out = mixture(), tmp_path / "given.npz", tmp_path / "out.npz"
    twice = labels.select([*range(60), 7])
    write_labels(twice, given)
    code, _, error = answer("convert", str(given), str(out))
    assert code == 2
    assert "set --drop-duplicates" in error
    assert not out.exists()
    code, printed, _ = answer("convert", str(given), str(out), "--drop-duplicates")
    assert code == 0
    assert "1 duplicate frames dropped" in printed
    assert content_hashes(read_labels(out, several=True).labels) == content_hashes(labels)


def test_a_frame_that_the_others_contradict_is_left_out_or_believed(tmp_path: Path) -> None:
    labels, given, out = mixture(), tmp_path / "given.npz", tmp_path / "out.npz"
    assert labels.energy is not None
    write_labels(replace(labels, energy=labels.energy + 3.0 * (np.arange(60) == 7)), given)
    code, _, error = answer("convert", str(given), str(out))
    assert code == 2
    assert "or add --drop-outliers, or --keep-outliers if sound" in error
    for option, n, said in (("--drop-outliers", 59, "left out (7 (C2H2))"), ("--keep-outliers", 60, "kept (7 (C2H2))")):
        code, printed, _ = answer("convert", str(given), str(out), option)
        assert code == 0
        assert f"1 outlying frame {said}: frame 7 (C2H2) must have an energy that fits" in printed
        assert len(read_labels(out, several=True).labels) == n


@pytest.mark.parametrize(
    ("key", "option"),
    [
        ("declare them, for instance energy_unit: kcal/mol, length_unit: A", "--energy-unit kcal/mol, --length-unit A"),
        ("name both keys (energy_key and forces_key, group_key)", "(--energy-key and --forces-key, --group-key)"),
        ("remove them or set duplicates: drop", "remove them or set --drop-duplicates"),
        ("or set forces_are: gradients", "or set --gradients"),
        ("or declare forces: none for energies alone", "or add --energies-alone for energies alone"),
        ("declare vacuum_box: true for a molecule", "declare --vacuum-box for a molecule"),
        ("vacuum_box is for files with a cell", "--vacuum-box is for files with a cell"),
        ("declare level, for instance pbe", "declare --level, for instance pbe"),
        ("or name the folder that has it as data_folder", "--data-folder"),
        ("a force_unit: eV/Angstrom", "a --force-unit eV/Angstrom"),
    ],
)
def test_keys_of_a_sweep_become_options(key: str, option: str) -> None:
    assert option in in_options(key)


@pytest.mark.parametrize(
    "words",
    ["found 'energy_key'", "energy_unit.npz needs frames", "no file runs/group_key", "energy_keys", "the level"],
)
def test_words_of_the_user_stay(words: str) -> None:
    assert in_options(words) == words
