"""What a running sweep shows: a live table in a terminal, plain lines anywhere else."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from asteroid.plain_text import printable
from asteroid.units import force_unit_in_ev_ang

if TYPE_CHECKING:
    from types import TracebackType

    from study.engine.progress import Progress
    from study.labelling.label_run import LabelProgress

_UNIT = "kcal/mol/Å"
_LINE_EVERY_S = 60.0
_REDRAW_EVERY_S = 0.2


class Display(Protocol):
    """Shows the progress of a run while it is open."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, progress: Progress) -> None:
        """Show where the run stands."""

    def show_line(self, line: str) -> None:
        """Show where something else stands, in words."""

    def note(self, line: str) -> None:
        """Say something that stays on the screen."""


def make_display(console: Console | None = None) -> Display:
    """Choose the display that suits the console, by default that of the standard output."""
    console = console or Console()
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

    def show_line(self, line: str) -> None:
        """Show a line in the place of the table, at most a few times a second."""
        now = time.monotonic()
        if now - self._drawn_at >= _REDRAW_EVERY_S:
            self._live.update(Text(line))
            self._drawn_at = now

    def note(self, line: str) -> None:
        """Print a line above the table."""
        self._live.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


class PlainLines:
    """A line at the start and the end, and every minute in between, also where nothing finishes for a while."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_at = -_LINE_EVERY_S
        self._latest: Progress | None = None
        self._finished = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._keep_saying, name="PlainLines", daemon=True)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._clock.join()

    def show(self, progress: Progress) -> None:
        """Print a line if a minute has passed, or if this was the last stage."""
        with self._lock:
            finished = progress.stages_done == progress.stages_total
            last, self._finished, self._latest = finished and not self._finished, finished, progress
            if last or time.monotonic() - self._said_at >= _LINE_EVERY_S:
                self._say(progress)

    def _keep_saying(self) -> None:
        while not self._over.wait(_LINE_EVERY_S / 60):
            with self._lock:
                if self._latest is not None and time.monotonic() - self._said_at >= _LINE_EVERY_S:
                    self._say(self._latest)

    def _say(self, progress: Progress) -> None:
        self._console.print(progress_line(progress), highlight=False, markup=False, soft_wrap=True)
        self._said_at = time.monotonic()

    def show_line(self, line: str) -> None:
        """Print a line if a minute has passed since the last one."""
        with self._lock:
            self._latest = None
            if time.monotonic() - self._said_at >= _LINE_EVERY_S:
                self.note(line)
                self._said_at = time.monotonic()

    def note(self, line: str) -> None:
        """Print a line."""
        self._console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def progress_line(progress: Progress) -> str:
    """One line: stages, trials, the best so far, what was shared and spent, the activity, the time left."""
    parts = [f"{progress.stages_done}/{progress.stages_total} stages", *progress_facts(progress), progress.activity]
    if progress.left_s is not None and progress.stages_done < progress.stages_total:
        parts.append(f"about {clock(progress.left_s)} left")
    return " | ".join(parts)


def progress_facts(progress: Progress) -> list[str]:
    """Trials done, the best error so far, requests shared, core-hours spent: those that there are."""
    scale = force_unit_in_ev_ang(_UNIT)
    facts = []
    if progress.trials_total:
        best = progress.best_trial_ev_ang
        known = "" if best is None else f", best {best / scale:.3f} {_UNIT}"
        facts.append(f"{progress.trials_done}/{progress.trials_total} trials{known}")
    on_accurate = [error for kind, error in progress.best_val_ev_ang.items() if kind not in ("pretrain", "score_match")]
    if on_accurate and math.isfinite(min(on_accurate)):
        facts.append(f"best validation {min(on_accurate) / scale:.3f} {_UNIT}")
    if progress.stages_shared:
        facts.append(f"{progress.stages_shared} shared")
    if progress.core_s:
        facts.append(f"{progress.core_s / 3600:.2g} core-hours")
    return facts


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
    stages = f"{progress.stages_done}/{progress.stages_total} stages, {clock(progress.elapsed_s)} elapsed{left}"
    table.caption = "; ".join((stages, *progress_facts(progress)))
    return table


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60}:{whole % 60:02d} min"


class Ticker:
    """Shows the latest of a stream of lines while it is open."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console = console or Console()
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


def label_progress_line(progress: LabelProgress) -> str:
    """One line: labels done, failures, the price so far, the time left."""
    from analysis.names import duration

    parts = [f"{progress.done:,}/{progress.total:,} labels"]
    if progress.found:
        parts.append(f"{progress.found:,} found finished")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.done:
        parts.append(f"{duration(progress.cpu_s)} of CPU so far, {duration(progress.cpu_s / progress.done)} each")
    if progress.left_s is not None and progress.done < progress.total:
        parts.append(f"about {clock(progress.left_s)} left")
    return " | ".join(parts)
