"""The command `rank-cheap`: its table, its recommendation, notes and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_line import answer, call, refused

import sweeps
from asteroid.datasets import load_methanol
from asteroid.io.write import write_labels
from asteroid.labelling import cheap_methods
from study.labelling import rank_cheap as ranking

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("owned")
    owned = load_methanol().accurate.select(np.arange(12))
    write_labels(owned, folder / "labels.npz")
    slow = replace(owned, level="pbe/def2-svp", forces=owned.forces * 1.02, cpu_s=np.full(12, 99.0))  # type: ignore[operator]
    write_labels(slow, folder / "slow.npz")
    return folder / "labels.npz"


def test_candidates_side_by_side(labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["rank-cheap", labels, "--levels", "GFN2-xTB", "--cheap", labels.with_name("slow.npz"), "--n", 10]
    shown = call(*words)
    assert shown.exit_code == 0, shown.output
    assert "Delta-learning on 10 labels of ccsd_t/cc-pvdz" in shown.output
    assert "Take pbe/def2-svp: these labels tell it from the others." in shown.output
    assert "note: a label of pbe/def2-svp took 99 s, one of ccsd_t/cc-pvdz" in shown.output
    assert "It cannot tell" in shown.output
    smooth = {"gfn2-xtb": 0.2, "pbe/def2-svp": 0.1}  # kernels have been fitted once
    monkeypatch.setattr(ranking, "_out_of_fold", lambda owned, cheap, _: np.full(len(owned), smooth[cheap.level]))
    alone = call("rank-cheap", labels, "--levels", "gfn2-xtb", "--n", 10).output
    assert "gfn2-xtb is the only candidate: name others with --levels or --cheap" in " ".join(alone.split())
    code, out, _ = answer(*map(str, words), "--json")
    told = json.loads(out)
    found = sweeps.rank_cheap(labels, ["GFN2-xTB"], cheap=[labels.with_name("slow.npz")], n=10)
    assert [{**one, "label_cpu_s": None} for one in found.to_json()["candidates"]] == [
        {**one, "label_cpu_s": None} for one in told["candidates"]
    ]
    assert list(found.table["level"]) == ["pbe/def2-svp", "gfn2-xtb"]
    assert (code, told["n_labels"], told["recommended"]) == (0, 10, "pbe/def2-svp")
    assert {one["level"] for one in told["candidates"]} == {"gfn2-xtb", "pbe/def2-svp"}
    assert len(told["notes"]) == 2


def test_mistakes_of_rank_cheap(labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "found none: add for instance --levels gfn2-xtb" in refused("rank-cheap", labels)
    assert "at least 10 accurate labels, found 5" in refused("rank-cheap", labels, "--levels", "gfn2-xtb", "--n", 5)
    assert "did you mean gfn2-xtb" in refused("rank-cheap", labels, "--levels", "gfn2")
    monkeypatch.setattr(cheap_methods, "find_spec", lambda _: None)
    assert "so3lr must run here to be compared: install So3krates" in refused("rank-cheap", labels, "--levels", "so3lr")
