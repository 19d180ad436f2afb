"""The command `asteroid-study` called in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from sweeps.cli import app

if TYPE_CHECKING:
    from click.testing import Result


def answer(*words: str) -> tuple[int, str, str]:
    """Exit code, output and error output of a command; exceptions that no user should see are raised."""
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def call(*words: object) -> Result:
    """What a command came to, its output and error output in one."""
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    """The one line with which a command refuses a mistake."""
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert result.output.count("error: ") == 1
    return line
