"""One line of progress: it redraws itself in a terminal, and is repeated once a minute anywhere else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

_LINE_EVERY_S = 60.0
_REDRAW_EVERY_S = 0.2


class Ticker:
    """Shows the latest of a stream of lines while it is open."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=5, transient=True) if console.is_terminal else None
        self._said_at = -_LINE_EVERY_S

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, line: str) -> None:
        """Show a line, unless the last one is too fresh."""
        now = time.monotonic()
        if now - self._said_at < (_LINE_EVERY_S if self._live is None else _REDRAW_EVERY_S):
            return
        self._said_at = now
        if self._live is None:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            self._live.update(Text(line))
