"""`plot`: all figures of runs, drawn and saved with the data behind each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from sweeps.quantities import FORCE_UNIT, display_unit
from sweeps.run_notes import run_notes

if TYPE_CHECKING:
    from sweeps.quantities import FilePath


@dataclass(frozen=True)
class Figures:
    """What was drawn of one run, or of several together.

    Attributes:
        files: PDF, SVG, PNG and CSV of each figure.
        notes: doubts about the run folder.
        caveats: what its choice of labels means for its figures, as lines.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()


def plot(
    *runs: FilePath,
    force_unit: str = FORCE_UNIT,
    budget: int | None = None,
    wide: bool = False,
    out: FilePath | None = None,
) -> tuple[Figures, ...]:
    """Draw every figure that the runs have data for: PDF, SVG, PNG and the CSV of the numbers behind each.

    Args:
        runs: folders of runs, or that of one purchase that has ended.
        force_unit: of errors; it says what they are of: forces, or energies as in "kcal/mol". Runs with energies alone
            show these.
        budget: accurate labels of the bars; None: the most that all strategies have.
        wide: draw curves and costs for two columns of a journal page.
        out: folder of the figures of one run, or of the bars over several; None: `figures` in the first run's.

    Returns:
        the figures of each run, and with several runs the bars side by side.

    Raises:
        InputError: a run is named twice or cannot be read, or an argument cannot be used.
    """
    from analysis.caveats import caveat_lines
    from analysis.curves.energy_errors import unit_of_errors
    from analysis.figures.save import save_bars, save_figures
    from analysis.plan.run_caveats import selection_caveats
    from analysis.purchase_files import is_purchase
    from analysis.run_files import read_run

    folders, unit = [Path(run) for run in runs], display_unit(force_unit)
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError(f"each run is drawn once, found one twice in {' '.join(map(str, runs))}: name it once")
    if not folders:
        raise InputError("figures are of a run, found none: name its folder")
    purchases = [folder for folder in folders if is_purchase(folder)]
    if purchases and len(folders) > 1:
        raise InputError(f"a purchase is drawn by itself, found {purchases[0]} among several folders: name it alone")
    if purchases:
        target = _own_figures(folders[0]) if out is None else Path(out)
        return (Figures(tuple(_draw_purchase(folders[0], target, unit))),)
    loaded = {folder: read_run(folder) for folder in folders}
    drawn = []
    for folder, files in loaded.items():
        into = Path(out) if len(folders) == 1 and out is not None else _own_figures(folder)
        saved = save_figures(files, into, unit_of_errors(files.table, unit), budget, wide=wide)
        notes = () if files.table is None else run_notes(files.table, files.manifest)
        drawn.append(Figures(tuple(saved), notes, tuple(caveat_lines(selection_caveats(files.manifest)))))
    if sum(files.table is not None for files in loaded.values()) > 1:
        target = _own_figures(folders[0]) if out is None else Path(out)
        shown = {unit_of_errors(files.table, unit) for files in loaded.values()}
        drawn.append(Figures(tuple(save_bars(loaded, target, shown.pop() if len(shown) == 1 else unit, budget))))
    return tuple(drawn)


def _own_figures(folder: Path) -> Path:
    """Where the figures of a run go that were asked for without a folder: never through a link."""
    from study.files import refuse_linked_folders

    refuse_linked_folders(folder)
    return folder / "figures"


def _draw_purchase(run: Path, folder: Path, force_unit: str) -> list[Path]:
    from analysis.figures.style import save_figure
    from analysis.purchase_files import read_purchase
    from analysis.report.purchase_report import purchase_pictures

    pictures = purchase_pictures(read_purchase(run), force_unit=force_unit)
    return [path for own in pictures for path in save_figure(own.figure, own.data, folder, own.stem)]
