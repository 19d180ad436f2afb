"""What every command prints through: lines, notes, errors, and how a command stops."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from asteroid.plain_text import printable

if TYPE_CHECKING:
    import pandas as pd

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
    """Answer a user's mistake: one line, exit code 2."""
    note(f"error: {message}")
    raise typer.Exit(2)


def stop(why: str, kept: str, again: str, code: int) -> NoReturn:
    """End unfinished work with the command that goes on with it."""
    note(f"{why}; {kept}; to go on: {again}")
    raise typer.Exit(code) from None


def note_altered(manifest: dict[str, Any]) -> None:
    """Say that a manifest is not as the run wrote it."""
    if manifest.get("altered"):
        note("note: manifest.json is not as the run wrote it (its digest differs): somebody or something changed it")


def note_incomplete(table: pd.DataFrame, manifest: dict[str, Any]) -> None:
    """Say that a run has rows to come, or that its manifest is not as the run wrote it."""
    note_altered(manifest)
    if len(table) < manifest["rows"]:
        note(f"note: the run is not finished: {len(table)} of {manifest['rows']} rows")
