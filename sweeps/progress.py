"""What a running sweep shows: a live table in a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, Self

from rich.live import Live
from rich.table import Table

from asteroid.units import force_unit_in_ev_ang

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from study.engine import Progress

_UNIT = "kcal/mol/Å"
_LINE_EVERY_S = 15.0
_REDRAW_EVERY_S = 0.2


class Display(Protocol):
    """Shows the progress of a run while it is open."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, progress: Progress) -> None:
        """Show where the run stands."""

    def note(self, line: str) -> None:
        """Say something that stays on the screen."""


def make_display(console: Console) -> Display:
    """Choose the display that suits the console."""
    return LiveTable(console) if console.is_terminal else PlainLines(console)


class LiveTable:
    """A table that redraws itself in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=5)
        self._drawn_at = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Redraw, at most a few times a second."""
        now = time.monotonic()
        if now - self._drawn_at >= _REDRAW_EVERY_S or progress.stages_done == progress.stages_total:
            self._live.update(progress_table(progress))
            self._drawn_at = now

    def note(self, line: str) -> None:
        """Print a line above the table."""
        self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)


class PlainLines:
    """A line when the activity changes, and now and then in between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_at = 0.0
        self._finished = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, progress: Progress) -> None:
        """Print a line if there is news: stages finished, or a while has passed."""
        now = time.monotonic()
        news = progress.stages_done != self._finished or progress.stages_done == progress.stages_total
        if now - self._said_at >= _LINE_EVERY_S or (news and progress.stages_done == progress.stages_total):
            self._console.print(progress_line(progress), highlight=False, soft_wrap=True)
            self._said_at = now
        self._finished = progress.stages_done

    def note(self, line: str) -> None:
        """Print a line."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def progress_line(progress: Progress) -> str:
    """One line: stages, activity, time left."""
    parts = [f"{progress.stages_done}/{progress.stages_total} stages", progress.activity]
    if progress.left_s is not None and progress.stages_done < progress.stages_total:
        parts.append(f"about {clock(progress.left_s)} left")
    return " | ".join(parts)


def progress_table(progress: Progress) -> Table:
    """Stages by kind with the best validation error so far, and the time left."""
    table = Table(title=progress.activity, title_justify="left")
    for name in ("stage", "finished", f"best validation force MAE ({_UNIT})"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    scale = force_unit_in_ev_ang(_UNIT)
    for kind, (done, total) in progress.done_by_kind.items():
        best = progress.best_val_ev_ang.get(kind)
        table.add_row(kind, f"{done}/{total}", "" if best is None else f"{best / scale:.3f}")
    left = "" if progress.left_s is None else f", about {clock(progress.left_s)} left"
    table.caption = f"{progress.stages_done}/{progress.stages_total} stages, {clock(progress.elapsed_s)} elapsed{left}"
    return table


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60}:{whole % 60:02d} min"
