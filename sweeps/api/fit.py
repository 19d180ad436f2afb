"""`fit`: curves, a figure and numbers of labels from anybody's table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from sweeps.quantities import cpu_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.caveats import Caveat
    from analysis.curves.any_table import TableFit
    from sweeps.quantities import FilePath, Seconds


@dataclass(frozen=True, eq=False)
class Fits:
    """The curves of a table; `print` shows them in words.

    Attributes:
        curves: one fit for each group.
        target: error that was asked for, in the unit of the table; None: none was.
        confidence: probability that was asked for.
        notes: doubts about the table.
        caveats: what the choice of labels means for the curves, where the table lies in a run folder.
        files: the figure and the numbers behind it, where they were saved.
    """

    curves: tuple[TableFit, ...]
    target: float | None
    confidence: float
    notes: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row for each curve: what `to_json` says of it, with dots in the names of nested values."""
        import pandas as pd

        from analysis.curves.any_table import fit_json

        return pd.json_normalize([fit_json(curve) for curve in self.curves])

    def to_json(self) -> dict[str, Any]:
        """Plain data, as the command prints it."""
        from analysis.curves.any_table import SCHEMA_VERSION, fit_json

        asked = {"target": self.target, "confidence": self.confidence} if self.target is not None else {}
        curves = [fit_json(curve) for curve in self.curves]
        return {"schema_version": SCHEMA_VERSION, **asked, "curves": curves, "status": list(self.caveats)}

    def lines(self) -> list[str]:
        """The fits in words, as the command prints them."""
        from analysis.caveats import caveat_lines
        from analysis.report.fit_report import fit_sentences

        said = fit_sentences(self.curves, target=self.target, confidence=self.confidence)
        return [*said, *caveat_lines(self.caveats)]

    def __str__(self) -> str:
        return "\n".join([*(f"Note: {note}" for note in self.notes), *self.lines()])


def fit(
    table: FilePath | pd.DataFrame,
    *,
    x: str = "n_train",
    y: str = "force_mae",
    group: Sequence[str] = (),
    seed: str | None = None,
    sd: str | None = None,
    n_runs: str | None = None,
    target: float | None = None,
    confidence: float = 0.9,
    price: Seconds | None = None,
    out: FilePath | None = None,
) -> Fits:
    """Fit learning curves to any table of errors: slopes with intervals, and how many labels a target needs.

    Args:
        table: CSV or JSON file with a head, or a frame; one row for each run.
        x: column of the numbers of labels.
        y: column of the errors, all in one unit.
        group: columns that tell the curves apart.
        seed: column of the seeds: runs of one seed share labels across numbers of labels.
        sd: column of standard deviations over runs, where the errors are means that are not written as 0.31 ± 0.03.
        n_runs: column of the numbers of runs behind each mean.
        target: error to reach, in the unit of the table.
        confidence: probability with which the target must be met, .5 to .99.
        price: of one label: seconds, or text such as "12min".
        out: folder for the figure and its numbers; None: none is drawn.

    Raises:
        InputError: a column or a value that cannot be used.
    """
    import pandas as pd

    from analysis.curves.any_table import fit_table
    from analysis.curves.table_text import read_table
    from analysis.plan.run_caveats import caveats_beside

    price_s = float("nan") if price is None else cpu_s(price)
    if price is not None and target is None:
        raise InputError("a price is for the labels that a target needs, found none: give --target as well")
    doubts: list[str] = []
    caveats: tuple[Caveat, ...] = ()
    if isinstance(table, pd.DataFrame):
        frame = table
    else:
        frame, found = read_table(Path(table))
        doubts, caveats = list(found), caveats_beside(Path(table))
    fits = fit_table(
        frame,
        x=x,
        y=y,
        group=group,
        seed=seed,
        sd=sd,
        n_runs=n_runs,
        target=target,
        confidence=confidence,
        price_s=price_s,
        notes=doubts,
    )
    files: list[Path] = []
    if out is not None:
        from analysis.figures.style import save_figure
        from analysis.report.fit_report import fit_picture

        files = save_figure(*fit_picture(fits, x=x, y=y), Path(out), "fit")
    return Fits(tuple(fits), target, confidence, tuple(doubts), caveats, tuple(files))
