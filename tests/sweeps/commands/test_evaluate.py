"""The command `evaluate`: a table, JSON, figures."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_line import answer, refused
from exported_folder import write_model

from asteroid.datasets import load_methanol
from asteroid.io.write import write_labels

if TYPE_CHECKING:
    from pathlib import Path


def test_errors_as_table_json_and_figures(tmp_path: Path) -> None:
    model, labels, out = write_model(tmp_path), tmp_path / "labels.npz", tmp_path / "errors"
    code, said, _ = answer("evaluate", str(model), str(labels), "--out", str(out), "--force-unit", "eV/A")
    assert code == 0
    assert "force MAE (eV/Å)" in said
    assert [line.split()[:4] for line in said.splitlines() if line.startswith("all frames")] == [
        ["all", "frames", "12", "0.1"]
    ]
    assert {path.name for path in out.iterdir()} >= {"parity.pdf", "error_distribution.svg", "errors.csv"}
    plain = json.loads(answer("evaluate", str(model), str(labels), "--json")[1])
    assert plain["errors"][0]["force_mae_ev_ang"] == pytest.approx(0.1)


def test_labels_of_another_level(tmp_path: Path) -> None:
    model = write_model(tmp_path)
    assert "level mp2/cc-pvdz is declared" in refused(
        "evaluate", model, tmp_path / "labels.npz", "--level", "mp2/cc-pvdz"
    )
    (tmp_path / "labels.npz").rename(tmp_path / "stated.npz")
    stated = dict(np.load(tmp_path / "stated.npz"))
    np.savez(tmp_path / "silent.npz", **{name: stated[name] for name in stated if name != "level"})
    assert "state its level of theory: declare it with --level, for" in refused(
        "evaluate", model, tmp_path / "silent.npz"
    )


def test_broken_labels_are_told(tmp_path: Path) -> None:
    methanol = load_methanol().accurate.select(np.arange(40))
    model = write_model(tmp_path)
    for sign, factor, says in ((-1.0, 1.0, "note: forces of"), (1.0, 23.06, "declare the file's units")):
        write_labels(replace(methanol, forces=sign * factor * methanol.forces), tmp_path / "broken.npz")
        code, said, told = answer("evaluate", str(model), str(tmp_path / "broken.npz"))
        assert code == 0
        assert says in said + told
    write_labels(methanol.select([*range(12), 3]), tmp_path / "twice.npz")
    code, said, told = answer("evaluate", str(model), str(tmp_path / "twice.npz"))
    assert "note: " not in said + told
