"""The reference of the command line, from what Typer knows of every command."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import typer

from site_pages.markdown import code, table
from sweeps.cli import app

if TYPE_CHECKING:
    from typer.core import TyperCommand


def all_commands() -> str:
    """A section for each command, in the order of --help."""
    group = typer.main.get_command(app)
    return "\n\n".join(_section(name, command) for name, command in group.commands.items())


def _section(name: str, command: TyperCommand) -> str:
    context = typer.Context(command, info_name=f"asteroid-study {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    records = [record for option in command.get_params(context) if (record := option.get_help_record(context))]
    rows = [(code(left), right) for left, right in records if not left.startswith("--help")]
    return "\n\n".join([f"## {name}", *_words(command.help or ""), code(usage), table(("option", "meaning"), rows)])


def _words(help_text: str) -> list[str]:
    """Paragraphs of a help text; examples become one block."""
    paragraphs = inspect.cleandoc(help_text).split("\n\n")
    examples = [" ".join(text.split()) for text in paragraphs if re.match(r"\s*asteroid-study ", text)]
    prose = [text for text in paragraphs if not re.match(r"\s*asteroid-study |Examples?:", text)]
    return [*prose, "```console\n" + "\n".join(examples) + "\n```"] if examples else prose
