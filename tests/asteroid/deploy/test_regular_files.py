"""Plain files are read, everything else is not opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from asteroid.deploy.regular_files import read_plain_file
from asteroid.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_plain_files_only(tmp_path: Path) -> None:
    plain, link, pipe = tmp_path / "plain", tmp_path / "link", tmp_path / "pipe"
    plain.write_bytes(b"12345")
    link.symlink_to(plain)
    os.mkfifo(pipe)
    assert read_plain_file(plain, 5) == b"12345"
    for path, found in ((link, "another kind"), (pipe, "another kind"), (tmp_path, "another kind")):
        with pytest.raises(InputError, match=found):
            read_plain_file(path, 5)
    with pytest.raises(InputError, match="at most 4 bytes, found 5"):
        read_plain_file(plain, 4)
    with pytest.raises(InputError, match="needs nothing, found none"):
        read_plain_file(tmp_path / "nothing", 4)
