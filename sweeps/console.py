"""What every command prints through: lines, notes, errors, and how a command stops."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from asteroid.plain_text import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

#: No space left, or the user's share of it used up.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def say(line: str) -> None:
    """Print a line as it is: no markup, no wrapping, and nothing in it that a terminal obeys."""
    typer.echo("\n".join(map(printable, line.split("\n"))))


def say_json(summary: dict[str, Any]) -> None:
    """Print JSON for programs; not-a-number has no place in it."""
    typer.echo(json.dumps(summary, indent=2, allow_nan=False))


def note(line: str) -> None:
    """Print a line to the standard error stream."""
    typer.echo(printable(line), err=True)


def fail(message: str) -> NoReturn:
    """Answer a user's mistake: one line that somebody reads, exit code 2."""
    note(f"error: {one_line(message)}")
    raise typer.Exit(2)


def stop(why: str, kept: str, again: str, code: int) -> NoReturn:
    """End unfinished work with the command that goes on with it."""
    note(f"{why}; {kept}; to go on: {again}")
    raise typer.Exit(code) from None


def note_doubts(doubts: Iterable[str]) -> None:
    """Print doubts about a file or folder beside the answer."""
    for doubt in doubts:
        note(f"note: {doubt}")
