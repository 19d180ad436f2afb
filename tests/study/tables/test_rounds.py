"""The table of rounds: written whole, read back, refused where it is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from asteroid.errors import InputError
from study.tables.rounds import ROUNDS_FILE, read_rounds, rounds_frame, write_rounds

if TYPE_CHECKING:
    from pathlib import Path

ROW = {
    "round": 1,
    "n_labels": 16,
    "contender": "pretrain_finetune, standard, 40 cheap",
    "strategy": "pretrain_finetune",
    "error_ev_ang": 0.02,
    "low_ev_ang": 0.01,
    "high_ev_ang": 0.03,
    "probability": 0.4,
    "racing": True,
    "best": True,
    "action": "buy",
    "n_next": 20,
    "label_cpu_s": 448.0,
    "core_s": 3.0,
    "target_ev_ang": 0.013,
    "confidence": 0.9,
}


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    frame = rounds_frame([ROW, ROW | {"round": 2, "best": False}])
    write_rounds(frame, tmp_path)
    read = read_rounds(tmp_path)
    assert read is not None
    pd.testing.assert_frame_equal(read, frame)
    write_rounds(rounds_frame([]), tmp_path)
    read = read_rounds(tmp_path)
    assert read is not None
    assert read.empty


def test_none_and_damaged(tmp_path: Path) -> None:
    assert read_rounds(tmp_path) is None
    (tmp_path / ROUNDS_FILE).write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="a table of rounds has round, n_labels"):
        read_rounds(tmp_path)
