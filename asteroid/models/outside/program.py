"""One run of somebody else's program: in a folder of its own, watched, with an end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OUTPUT = "output.txt"
#: The end of the output that is looked through for its last line, in bytes.
_TAIL = 20_000


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for the files of one program; it stays, and the message names it, where the program is at fault.

    Raises:
        InputError: raised within.
    """
    folder = Path(tempfile.mkdtemp(prefix="outside-"))
    try:
        yield folder
    except InputError as error:
        raise InputError(f"{error} (its files are in {folder})") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def run_program(words: Sequence[str], folder: Path, limit_s: float) -> None:
    """Run a program to its end; what it prints goes to a file in the folder.

    Args:
        words: the program and its arguments.
        folder: where it runs.
        limit_s: wall seconds that it may take; it and what it has started are then ended, as when this is interrupted.

    Raises:
        InputError: it cannot be started, exits with an error or takes longer.
    """
    with (folder / _OUTPUT).open("ab") as output:
        try:
            program = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"{words[0]} must be a program, it cannot be started ({error}): give its whole path, or {{here}}/... "
                "for one in the folder where you start the study"
            ) from error
    try:
        code = program.wait(limit_s)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{words[0]} must end within {limit_s:g} s, it did not{_last_line(folder)}: raise time_limit or give it "
            "less to do"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)  # what it has started and left behind, too
        program.wait()
    if code:
        raise InputError(f"{words[0]} must exit with 0, found {code}{_last_line(folder)}: repair the command")


def _last_line(folder: Path) -> str:
    """What the program said last, for a message."""
    content = (folder / _OUTPUT).read_bytes()[-_TAIL:].decode(errors="replace")
    last = next((line.strip() for line in reversed(content.splitlines()) if line.strip()), "")
    return f", its last words {last[:200]!r}" if last else ", it said nothing"
