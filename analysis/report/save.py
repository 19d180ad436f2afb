"""The report of a run or a purchase, written as one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.purchase_report import make_purchase_report
from analysis.report.report import make_report
from study.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from analysis.purchase_files import PurchaseFiles
    from analysis.run_files import RunFiles
    from asteroid.measured_errors import Measured
    from study.prices import PriceList


def save_report(
    files: RunFiles,
    prices: PriceList,
    folder: Path,
    *,
    target_ev_ang: float | None = None,
    confidence: float = 0.9,
    force_unit: str = "kcal/mol/Å",
    overrides: Sequence[str] = (),
) -> Path:
    """Write `report.html` into a folder, complete or not at all.

    Args:
        files: what the run folder holds.
        prices: of the accurate and the cheap level.
        folder: where the file goes.
        target_ev_ang: force MAE to meet, eV/Å; None: a default, which the page says.
        confidence: probability with which one new run must meet it.
        force_unit: on display.
        overrides: prices given by the user, LEVEL=TIME.

    Returns:
        the file.

    Raises:
        InputError: the table has no usable curve, or the target, the confidence or the unit cannot be used.
    """
    page = make_report(
        files,
        prices,
        target_ev_ang=target_ev_ang,
        confidence=confidence,
        force_unit=force_unit,
        price_options=overrides,
    )
    return _write(page, folder)


def save_purchase_report(
    files: PurchaseFiles,
    prices: PriceList,
    folder: Path,
    target_ev_ang: float | None,
    confidence: float,
    force_unit: str,
    measured: Measured | None = None,
) -> Path:
    """Write `report.html` of a purchase into a folder, complete or not at all.

    Args:
        files: what the folder of the purchase holds.
        prices: of the accurate and the cheap level.
        folder: where the file goes.
        target_ev_ang: force MAE to plan for, eV/Å; None: several.
        confidence: probability with which a plan must hold.
        force_unit: on display, where it is a unit of what is shown.
        measured: what the target is on; None: what that of the purchase was on.

    Returns:
        the file.

    Raises:
        InputError: the target, the confidence or the unit cannot be used.
    """
    page = make_purchase_report(
        files,
        prices,
        target_ev_ang=target_ev_ang,
        confidence=confidence,
        force_unit=force_unit,
        measured=measured,
    )
    return _write(page, folder)


def _write(page: str, folder: Path) -> Path:
    path = folder / "report.html"
    write_text(path, page)
    return path
