"""Links between files of the repository, as links between pages of the site."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

REPOSITORY = Path(__file__).parents[2]
#: Files outside docs/ that a page shows.
SHOWN = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "asteroid/datasets/methanol.md": "methanol.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_IMAGE = re.compile(r'(<img src=")([^"]+)(")')


def on_the_site(text: str, path: PurePosixPath) -> str:
    """The text of a file with its links as pages of docs/ have them.

    Args:
        text: Markdown.
        path: of the file, from the root of the repository.
    """

    def link(match: re.Match[str]) -> str:
        image, words, target = match.groups()
        if target.startswith(("http:", "https:", "mailto:", "#")):
            return match[0]
        place, hash_sign, section = target.partition("#")
        page = _page(path, place)
        if page is None:
            return words if words.startswith("`") else f"`{words}`"
        return f"{image}[{words}]({page}{hash_sign}{section})"

    text = _LINK.sub(link, text)
    return _IMAGE.sub(lambda match: f"{match[1]}{_page(path, match[2])}{match[3]}", text)


def _page(path: PurePosixPath, target: str) -> str | None:
    """Where a file is on the site, from docs/; None: nowhere."""
    parts: list[str] = []
    for part in (path.parent / target).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    whole = "/".join(parts)
    if whole in SHOWN:
        return SHOWN[whole]
    return whole.removeprefix("docs/") if whole.startswith("docs/") else None
