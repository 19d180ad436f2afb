"""The registry of formats: every name has one format, and messages list what the registry holds."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.io.formats import FORMATS, format_by_name, format_to_read, format_to_write
from asteroid.io.read import read_labels
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet

WRITTEN = [suffix for known in FORMATS if known.write is not None for suffix in known.suffixes]


def test_no_suffix_or_prefix_belongs_to_two_formats() -> None:
    names = [name for known in FORMATS for name in (*known.suffixes, *([known.prefix] if known.prefix else []))]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() for name in names)
    for known in FORMATS:
        assert known.suffixes or known.prefix
        for suffix in known.suffixes:
            assert format_by_name(Path(f"LABELS{suffix.upper()}")) is known


@pytest.mark.parametrize("suffix", WRITTEN)
def test_whatever_is_written_reads_back_without_a_declaration(suffix: str, tmp_path: Path) -> None:
    positions = np.random.default_rng(0).normal(size=(3, 2, 3))
    labels = LabelSet(np.array([1, 1]), positions, np.arange(3.0), -positions, "springs", cpu_s=np.ones(3))
    path = tmp_path / f"labels{suffix}"
    write_labels(labels, path, selection_rule="random")
    back = read_labels(path).labels
    for field in ("positions", "energy", "forces", "cpu_s", "frame_id"):
        np.testing.assert_array_equal(getattr(back, field), getattr(labels, field))
    assert format_to_read(path).selection_rule(path) == "random"


def test_messages_name_the_endings(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        format_to_write(tmp_path / "labels.db")
    assert all(suffix in str(caught.value) for suffix in WRITTEN)
    (tmp_path / "labels.csv").write_text("1,2\n")
    with pytest.raises(InputError) as caught:
        format_to_read(tmp_path / "labels.csv")
    assert all(suffix in str(caught.value) for known in FORMATS for suffix in known.suffixes)
    with pytest.raises(InputError, match="found no file"):
        format_to_read(tmp_path / "none.npz")
    assert format_to_read(Path("md17:ethanol")).prefix == "md17:"


def test_loops_of_links_pipes_and_folders_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "loop.npz").symlink_to("loop.npz")
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "folder.xyz").mkdir()
    for path in tmp_path.iterdir():
        with pytest.raises(InputError, match=r"found no file|found the folder"):
            format_to_read(path)


@pytest.mark.parametrize("name", ["labels.npz", "labels.xyz", "labels.db"])
def test_what_downloads_leave_in_place_of_a_file_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(InputError, match="a pointer of Git LFS to the file: fetch the file by git lfs pull"):
        read_labels(path)
    path.write_text("\n<!DOCTYPE html>\n<html><body>Not found</body></html>\n")
    with pytest.raises(InputError, match="found a web page: download the file itself"):
        read_labels(path)
