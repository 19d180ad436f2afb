"""How labels were chosen stays with them: in their card, in the file itself, through convert."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.io.read import read_labels
from asteroid.io.selection_rule import selection_rule_of
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet

if TYPE_CHECKING:
    from pathlib import Path


def labels() -> LabelSet:
    positions = np.random.default_rng(0).normal(size=(4, 3, 3))
    return LabelSet(np.array([8, 1, 1]), positions, np.arange(4.0), -2 * positions, "springs")


@pytest.mark.parametrize("name", ["a.npz", "a.extxyz", "a.xyz"])
@pytest.mark.parametrize("rule", ["farthest", "random", "all", None])
def test_the_file_itself_keeps_the_rule(name: str, rule: str | None, tmp_path: Path) -> None:
    write_labels(labels(), tmp_path / name, selection_rule=rule)  # type: ignore[arg-type]
    assert selection_rule_of(tmp_path / name) == rule
    back = read_labels(tmp_path / name).labels
    np.testing.assert_array_equal(back.forces, labels().forces)


@pytest.mark.parametrize("name", ["a.npz", "a.extxyz"])
def test_the_card_goes_first(name: str, tmp_path: Path) -> None:
    write_labels(labels(), tmp_path / name, selection_rule="random")
    (tmp_path / "a.meta.json").write_text(json.dumps({"selection_rule": "farthest"}))
    assert selection_rule_of(tmp_path / name) == "farthest"
    (tmp_path / "a.meta.json").write_text(json.dumps({"price_cpu_s": 1}))
    assert selection_rule_of(str(tmp_path / name)) == "random"
    for wrong in ("fps", 3, True, ["farthest"]):
        (tmp_path / "a.meta.json").write_text(json.dumps({"selection_rule": wrong}))
        with pytest.raises(InputError, match=r"^selection_rule in a\.meta\.json must be all, random or farthest"):
            selection_rule_of(tmp_path / name)


def test_files_of_others_state_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.xyz").write_text("1\nmy_selection_rule=farthest\nHe 0 0 0\n")
    (tmp_path / "b.db").write_bytes(b"\x00selection_rule=farthest")
    np.savez(tmp_path / "b.npz", R=np.zeros((1, 1, 3)))
    for name in ("b.xyz", "b.db", "b.npz", "none.npz", "md17:ethanol"):
        assert selection_rule_of(tmp_path / name) is None
