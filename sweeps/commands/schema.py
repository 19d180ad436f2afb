"""The command `schema`: the JSON schema of sweep and study files, for editors."""

from __future__ import annotations

from sweeps.console import say_json


def schema() -> None:
    """Print the JSON schema of sweep and study files; editors check and complete files with it.

    `init` writes it beside a file and names it in the file's first line.

    Examples:

      asteroid-study schema > asteroid-study.schema.json
    """
    from study.config.schema import file_schema

    say_json(file_schema())
