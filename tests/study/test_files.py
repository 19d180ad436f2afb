from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from asteroid.errors import InputError
from study.files import locked, read_record, refuse_special_files, write_json, write_text


def test_files_are_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.json"
    write_json(path, {"Å": 0.1 + 0.2})
    assert json.loads(path.read_text()) == {"Å": 0.1 + 0.2}
    assert [p.name for p in tmp_path.iterdir()] == ["data.json"]
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"x": float("nan")})

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "half")
    assert json.loads(path.read_text()) == {"Å": 0.1 + 0.2}


def test_no_link_says_where_a_folder_is_written(tmp_path: Path) -> None:
    """A folder from somebody else: its links would have files of the user's overwritten or swept away."""
    mine, theirs = tmp_path / "mine", tmp_path / "run"
    for folder in (mine, theirs):
        folder.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    (theirs / "store").symlink_to(mine)
    with pytest.raises(InputError, match="store must be a folder of its own, found a link"), locked(theirs):
        pass
    (theirs / "store").unlink()
    (theirs / "data.npz").symlink_to(mine / "thesis.tex")  # files are replaced, never written through
    with locked(theirs):
        pass
    (theirs / ".lock").unlink()
    os.link(mine / "thesis.tex", theirs / ".lock")
    with pytest.raises(InputError, match="another file as well"), locked(theirs):
        pass
    assert (mine / "thesis.tex").read_text() == "years of work"


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    """A pipe of that name in a folder from somebody else would hold every command up for ever."""
    os.mkfifo(tmp_path / "trials.csv")
    with pytest.raises(InputError, match=r"trials.csv must be a file or a folder, found a pipe"):
        refuse_special_files(tmp_path)
    with pytest.raises(InputError, match="found a pipe"), locked(tmp_path):
        pass
    with pytest.raises(InputError, match=r"trials.csv must be a file, found another kind"):
        read_record(tmp_path / "trials.csv", "remove it")
    (tmp_path / "trials.csv").unlink()
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")  # leads nowhere: not there
    refuse_special_files(tmp_path)
    (tmp_path / "random").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="device"):
        refuse_special_files(tmp_path)
