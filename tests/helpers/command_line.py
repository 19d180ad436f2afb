"""The command `asteroid-study` called in this process."""

from __future__ import annotations

from typer.testing import CliRunner

from sweeps.cli import app


def answer(*words: str) -> tuple[int, str, str]:
    """Exit code, output and error output of a command; exceptions that no user should see are raised."""
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
