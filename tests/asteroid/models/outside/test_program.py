"""Somebody else's program: it ends, or it is ended, with all that it has started."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from asteroid.errors import InputError
from asteroid.models.outside.program import run_program, work_folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["sh", "-c", "echo one; echo 'no such file'; exit 3"],
            "sh must exit with 0, found 3, its last words 'no such",
        ),
        (["false"], "false must exit with 0, found 1, it said nothing: repair the command"),
        (["sh", "-c", "kill -9 $$"], "sh must exit with 0, found -9"),
        (["no-such-program"], "no-such-program must be a program, it cannot be started .*: give its whole path"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path: Path, words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_program(words, tmp_path, 10.0)


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"sh must end within 0.3 s, it did not, its last words 'begun': raise time_lim"
    ):
        run_program(["sh", "-c", "sleep 60 & echo $! > child; echo begun; wait"], tmp_path, 0.3)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if ") Z" in Path(f"/proc/{child}/stat").read_text():
            return  # ended, and nobody has asked for it yet
        time.sleep(0.02)
    pytest.fail("the child is still there")


def test_files_stay_where_the_program_is_at_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with work_folder() as folder:
        run_program(["sh", "-c", "echo done > said"], folder, 10.0)
        assert (folder / "said").read_text() == "done\n"
    assert not list(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt), work_folder():
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match=rf"^wrong \(its files are in {tmp_path}/outside-\w+\)$"), work_folder():
        raise InputError("wrong")
    assert len(list(tmp_path.iterdir())) == 1
