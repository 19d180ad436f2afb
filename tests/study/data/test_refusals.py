"""Label files and settings that a study refuses, each in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from two_level_files import ACCURATE, Arrays, accurate_arrays, cheap_arrays, join, load, refusal, rotated, take

from asteroid.errors import InputError
from study.config.sweep_text import parse_sweep
from study.data.load import load_data

if TYPE_CHECKING:
    from pathlib import Path


def without(data: Arrays, key: str) -> Arrays:
    return {name: value for name, value in data.items() if name != key}


def spoilt(data: Arrays, key: str, row: int, value: float) -> Arrays:
    changed = data[key].copy()
    changed[row] = value
    return {**data, key: changed}


#: Oxygen before carbon.
OTHER = [1, 0, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: without(a, "F"), ["accurate.npz", "needs forces", "forces_key"]),
        (lambda a: without(a, "E"), ["accurate.npz", "needs energies", "energy_key"]),
        (lambda a: spoilt(a, "F", 7, np.nan), ["forces of accurate.npz", "finite", "frame 7", "remove"]),
        (lambda a: spoilt(a, "E", 9, np.inf), ["energy of accurate.npz", "finite", "frame 9", "remove"]),
        (lambda a: spoilt(a, "R", 2, np.nan), ["positions of accurate.npz", "frame 2"]),
        (lambda a: spoilt(a, "F", 3, 0.0), ["must not all be zero", "frame 3"]),
        (lambda a: {**a, "F": a["F"] * 23.06}, ["forces of accurate.npz cannot be right", "declare"]),
        (
            lambda a: {**a, "z": a["z"][OTHER], "R": a["R"][:, OTHER], "F": a["F"][:, OTHER]},
            ["same atoms in the same order", "add atom_order: [1, 0, 2, 3, 4, 5]"],
        ),
        (lambda a: take(a, slice(0, 0)), ["accurate.npz", "found none"]),
    ],
)
def test_broken_accurate_labels_are_refused(tmp_path: Path, change: Any, words: list[str]) -> None:
    message = refusal(tmp_path, change(accurate_arrays()))
    assert [word for word in words if word not in message] == [], message


def test_broken_cheap_labels_are_refused(tmp_path: Path) -> None:
    assert "forces of cheap.npz must be finite" in refusal(tmp_path, cheap=spoilt(cheap_arrays(), "F", 7, np.nan))
    assert "cheap.npz needs forces" in refusal(tmp_path, cheap=without(cheap_arrays(), "F"))
    doubled = join(cheap_arrays(), rotated(take(cheap_arrays(), slice(5, 6)), 5))
    assert "found 1 copies (frames 5 = 160)" in refusal(tmp_path, cheap=doubled)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"accurate_entry": "level: ccsd_t/cc-pvdz"}, ["accurate.npz (ccsd_t/cc-pvdz)", "price", "price: 28s"]),
        ({"accurate_entry": "price: 28s"}, ["accurate.npz", "level"]),
        ({"cheap_entry": ACCURATE}, ["levels must differ", "ccsd_t/cc-pvdz in both", "level"]),
        ({"prices": "{pbe/def2-svp: 3s}"}, ["'pbe/def2-svp'", "ccsd_t/cc-pvdz, gfn2-xtb"]),
        ({"test": "groups: [8]"}, ["test group 8", "0, 1, 2, 3"]),
        ({"budgets": "[10, 46]"}, ["budgets: 46", "largest possible is 45"]),
        ({"budgets": "[4, 10]"}, ["budgets: 4", "smallest possible is 5"]),
        ({"n_cheap": "[500]"}, ["n_cheap: 500", "largest possible is 120"]),
        ({"n_cheap": "[9]"}, ["n_cheap: 9", "smallest possible is 10"]),
    ],
)
def test_settings_that_do_not_fit_the_labels(tmp_path: Path, changes: dict[str, str], words: list[str]) -> None:
    message = refusal(tmp_path, **changes)
    assert [word for word in words if word not in message] == [], message


def test_the_largest_budget_that_the_message_names_is_possible(tmp_path: Path) -> None:
    assert len(load(tmp_path, budgets="[45]", n_cheap="[120]").pool) == 45


def test_a_label_file_that_does_not_exist(tmp_path: Path) -> None:
    load(tmp_path)
    text = (
        "name: a\ndata: {accurate: {file: no.npz, price: 1s}, cheap: {file: cheap.npz, price: 1s}}\n"
        "test: {share: 0.2}\nstrategies: [accurate_only]\nbudgets: [9]\nseeds: [0]\n"
        "identify: {steps: 20, learning_rate: 1}\n"
    )
    with pytest.raises(InputError, match=r"no\.npz.*correct the path"):
        load_data(parse_sweep(text, "sweep.yaml", tmp_path))
