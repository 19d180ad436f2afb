from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asteroid.new_file import new_file

if TYPE_CHECKING:
    from pathlib import Path


def test_links_are_replaced_and_never_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path = tmp_path / "report.html"
    path.symlink_to(victim)
    with new_file(path) as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("report")
    assert victim.read_text() == "mine"
    assert not path.is_symlink()
    assert path.read_text() == "report"


def test_names_cannot_be_foreseen_and_nothing_stays_of_a_failure(tmp_path: Path) -> None:
    names = set()

    def fill(path: Path) -> None:
        with new_file(path) as temporary:
            names.add(temporary.name)
            raise OSError("full")

    for _ in range(3):
        with pytest.raises(OSError, match="full"):
            fill(tmp_path / "a")
    assert len(names) == 3
    assert list(tmp_path.iterdir()) == []
