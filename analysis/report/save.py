"""The report of a run folder, written as one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.report import RunFiles, make_report
from study.tables.molecules import read_molecules
from study.tables.trials import read_importances, read_trials

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import pandas as pd

    from study.prices import PriceList


def save_report(
    run: Path,
    table: pd.DataFrame | None,
    manifest: dict[str, Any],
    prices: PriceList,
    target_ev_ang: float | None,
    *,
    confidence: float,
    force_unit: str,
    overrides: Sequence[str],
) -> Path:
    """Write `report.html` into a run folder, complete or not at all.

    Args:
        run: the run folder.
        table: its results table; None where it only searched.
        manifest: its manifest.
        prices: of the accurate and the cheap level.
        target_ev_ang: force MAE to meet, eV/Å; None: a default, which the page says.
        confidence: probability with which one new run must meet it.
        force_unit: on display.
        overrides: prices given by the user, LEVEL=SECONDS.

    Returns:
        the file.

    Raises:
        InputError: the table has no usable curve, or the target, the confidence or the unit cannot be used.
    """
    sweep = run / "sweep.yaml"
    files = RunFiles(
        table=table,
        manifest=manifest,
        sweep_yaml=sweep.read_text(encoding="utf-8") if sweep.is_file() else "",
        trials=read_trials(run),
        importances=read_importances(run),
        molecules=read_molecules(run),
    )
    page = make_report(
        files,
        prices,
        target_ev_ang=target_ev_ang,
        confidence=confidence,
        force_unit=force_unit,
        price_options=overrides,
    )
    path, temporary = run / "report.html", run / ".report.html.tmp"
    try:
        temporary.write_text(page, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
