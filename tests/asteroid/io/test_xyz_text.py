"""Every frame of an XYZ file is read or the file is refused, whatever its name and its compression."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.io.xyz_text import is_xyz, scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAME = "2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-1.0\nH 0 0 0 0 0 0.1\nF 0 0 0.92 0 0 -0.1\n"
WAYS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("name", ["a.xyz", "a.extxyz", "a", "a.dat"])
@pytest.mark.parametrize("packed", WAYS)
def test_files_are_read_whole_or_not_at_all(tmp_path: Path, name: str, packed: str) -> None:
    pack: Callable[[bytes], bytes] = WAYS[packed]
    path = tmp_path / (name + packed)
    path.write_bytes(pack((3 * FRAME).encode()))
    assert len(read_labels(path, Declaration(level="pbe")).labels) == 3
    for text, says in (
        (FRAME + "\n" + FRAME, "ends for its reader at line 4, found more at line 6"),
        ((2 * FRAME)[:-3], "is not ended"),
        (FRAME + FRAME[: FRAME.rindex("F")], "must have 2 atoms, found the end of the file behind 1"),
        (FRAME + "99999999999999999999\nx\n" + "H 0 0 0\n" * 3, "must be the number of atoms of a frame"),
        (FRAME + "999999999999\nx\n" + "H 0 0 0\n" * 3, "found the end of the file behind 3"),
    ):
        path.write_bytes(pack(text.encode()))
        with pytest.raises(InputError, match=says):
            read_labels(path, Declaration(level="pbe"))


def test_damaged_archives_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz.gz"
    path.write_bytes(gzip.compress((99 * FRAME).encode())[:-9])
    with pytest.raises(InputError, match=r"a.xyz.gz must be text, found a mistake \(.*\): fetch or write it again"):
        read_labels(path, Declaration(level="pbe"))


def test_blank_lines_at_the_end_are_no_frames_and_other_files_no_xyz(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_text(FRAME + "\n\n")
    assert len(scan(path).comments) == 1
    assert is_xyz(path)
    path.write_text("12\n1.0\n9.0 0.0 0.0\n0.0 9.0 0.0\n")
    assert not is_xyz(path)


def test_no_line_claims_columns_that_it_has_not(tmp_path: Path) -> None:
    """ASE made as many columns as a comment claimed: a billion took minutes and all memory."""
    path = tmp_path / "a.xyz"
    path.write_text('1\nProperties=species:S:1:pos:R:3:forces:R:999999999 pbc="F F F"\nH 0 0 0 0 0 0\n')
    with pytest.raises(InputError, match=r"frame 0 of a.xyz claims 1,000,000,003 columns .*found 7"):
        scan(path)
