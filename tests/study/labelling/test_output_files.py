"""Labels are written with all that a study needs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from springs_jobs import job, run

from asteroid.io.read import read_labels
from study.labelling.geometry_files import read_frames
from study.labelling.output_files import write_output
from study.labelling.work_folder import work_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_files_keep_frames_groups_units_and_prices(tmp_path: Path) -> None:
    done, _ = run(job(tmp_path), tmp_path)
    for name in ("out.npz", "out.extxyz", "out.npz"):  # the last one replaces the first
        write_output(tmp_path / name, done.labels, {"price_cpu_s": 1.5})
        back = read_labels(tmp_path / name)
        assert back.labels.level == "springs"
        for attribute in ("positions", "energy", "forces", "frame_id", "group", "cpu_s"):
            np.testing.assert_array_equal(getattr(back.labels, attribute), getattr(done.labels, attribute))
        bare = read_frames(tmp_path / name)
        assert bare.energy is None
        np.testing.assert_array_equal(bare.frame_id, done.labels.frame_id)
        np.testing.assert_array_equal(bare.group, done.labels.group)
    assert work_folder(tmp_path / "out.npz").name == "out.work"
    assert not list((tmp_path / "out.work").glob("out*"))
