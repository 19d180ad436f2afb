"""Pages of the documentation that are made from the program itself, and how the site differs from the files on GitHub.

A page asks for a part by a line `<!-- made from: NAME -->`; the site has the part in its place. Links of files that lie
elsewhere in the repository are led to the pages that show them, and links to source files, which no page shows, become
their names.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from site_pages import commands, settings, tables
from site_pages.links import REPOSITORY, on_the_site
from site_pages.mathml import block_formula, inline_formula

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

_MADE_FROM = re.compile(r"<!-- made from: (\S+) -->")
_PARTS: dict[str, Callable[[], str]] = {
    "commands": commands.all_commands,
    "settings": settings.all_settings,
    "tables": tables.all_tables,
    "records": tables.all_records,
}


def filled(text: str, page: str) -> str:
    """A page as the site shows it.

    Args:
        text: of the file.
        page: its path from the root of the repository, for its links.

    Raises:
        KeyError: it asks for a part that there is not.
    """

    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name in _PARTS:
            return _PARTS[name]()
        return on_the_site((REPOSITORY / name).read_text(encoding="utf-8"), PurePosixPath(name))

    return _MADE_FROM.sub(part, on_the_site(text, PurePosixPath(page)))


def _fill(_app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = filled(source[0], f"docs/{docname}.md")


def _plain_bars(*given: Any) -> None:
    """Bars in docstrings are absolute values, never substitutions; the last argument is the lines of one."""
    lines = given[-1]
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _fill)
    app.connect("autodoc-process-docstring", _plain_bars)
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
