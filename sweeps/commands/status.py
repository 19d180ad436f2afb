"""The command `status`: how far a run or a purchase has come, once or as it goes on."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from sweeps.console import note_doubts, say
from sweeps.options import RunFolder
from sweeps.standing import standing_of

#: Seconds between two looks.
_EVERY_S = 5.0


def status(
    run: RunFolder,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every few seconds until it ends, with the errors so far.")
    ] = False,
) -> None:
    """Show how far a run or a purchase has come, what its labels cost and what computing has cost so far.

    Examples:

      asteroid-study status runs/quickstart

      asteroid-study status runs/quickstart --watch
    """
    standing = standing_of(run)
    note_doubts(standing.notes)
    if not watch:
        for line in standing.lines:
            say(line)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console, shown = Console(), ""
    with Live(console=console, auto_refresh=False) as live:
        while True:
            text = "\n".join([*standing.lines, *standing.errors])
            if console.is_terminal:
                live.update(Text(text), refresh=True)
            elif text != shown:
                console.print(text, markup=False, highlight=False, soft_wrap=True)
            shown = text
            if standing.ended:
                return
            time.sleep(_EVERY_S)
            standing = standing_of(run)
