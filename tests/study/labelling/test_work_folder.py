"""Finished work is kept to the last bit, for one job and one process at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from springs_jobs import job, run

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Label
from study.labelling.work_folder import claimed_work, read_outcome, write_outcome

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="found other files"):
        run(wanted, tmp_path)
    (tmp_path / "out.work").rename(tmp_path / "elsewhere")
    (tmp_path / "out.work").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="found the link"):
        run(wanted, tmp_path)
    assert [p.name for p in (tmp_path / "elsewhere").iterdir()] == ["thesis.tex"]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        claimed_work(tmp_path / "w", {"a": 1}),
        pytest.raises(InputError, match=f"in use by process {os.getpid()}"),
        claimed_work(tmp_path / "w", {"a": 1}),
    ):
        pass
    with claimed_work(tmp_path / "w", {"a": 1}):
        pass


def test_what_is_kept_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    label = Label(-1 / 3, np.random.default_rng(0).normal(size=(3, 3)) / 7, 0.1)
    write_outcome(tmp_path, "a", label)
    write_outcome(tmp_path, "b", Failure("no luck", 2.5))
    back = read_outcome(tmp_path, "a")
    assert isinstance(back, Label)
    assert (back.energy_ev, back.cpu_s) == (label.energy_ev, label.cpu_s)
    np.testing.assert_array_equal(back.forces_ev_ang, label.forces_ev_ang)
    assert read_outcome(tmp_path, "b") == Failure("no luck", 2.5)
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text()[:40])  # the machine crashed
    assert read_outcome(tmp_path, "a") is None
    assert read_outcome(tmp_path, "c") is None
