"""Who is told how work goes on: nobody, unless a function is given."""

from __future__ import annotations


def unheard(_: object) -> None:
    """Take no notice."""
