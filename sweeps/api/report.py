"""`report`: the report of a run folder, written as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.quantities import FORCE_UNIT, asked_for, price_words, priced
from sweeps.run_notes import run_notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.quantities import FilePath, Seconds, Target


@dataclass(frozen=True)
class Report:
    """A page that was written.

    Attributes:
        file: the page.
        notes: doubts about the run folder.
    """

    file: Path
    notes: tuple[str, ...] = ()


def report(
    run: FilePath,
    *,
    target: Target | None = None,
    confidence: float = 0.9,
    prices: Mapping[str, Seconds] | None = None,
    force_unit: str = FORCE_UNIT,
) -> Report:
    """Write RUN/report.html: one page with the recommendation, the figures, how sure they are, and how to repeat them.

    Args:
        run: folder of a run, or of a purchase that has ended.
        target: MAE to reach: of forces in eV/Å, or text such as "0.3 kcal/mol/A", "0.5 kcal/mol" or "1 meV/atom"; None:
            one that suits the run.
        confidence: probability with which the target must be met, .5 to .99.
        prices: of one label, by level, in place of the run's: seconds, or text such as "12min".
        force_unit: of errors on the page; without a target it says what they are of, forces or energies.

    Raises:
        InputError: no such folder, or an argument that cannot be used.
    """
    from analysis.curves.energy_errors import unit_of_errors
    from analysis.purchase_files import is_purchase, read_purchase
    from analysis.report.save import save_purchase_report, save_report
    from analysis.run_files import read_run

    target_ev_ang, measured, unit = asked_for(target, force_unit)
    folder = Path(run)
    if is_purchase(folder):
        purchase = read_purchase(folder)
        new = priced(purchase.prices.to_json(), prices)
        on = None if target is None else measured
        return Report(save_purchase_report(purchase, new, folder, target_ev_ang, confidence, unit, on))
    files = read_run(folder)
    if target is None:
        unit = unit_of_errors(files.table, unit)
    file = save_report(
        files,
        priced(files.manifest["prices"], prices),
        folder,
        target_ev_ang=target_ev_ang,
        confidence=confidence,
        force_unit=unit,
        overrides=price_words(prices),
    )
    return Report(file, () if files.table is None else run_notes(files.table, files.manifest))
