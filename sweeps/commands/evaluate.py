"""The command `evaluate`: errors of an exported model on labels, by molecule and element, with figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asteroid.errors import InputError, UndeclaredError
from sweeps.api import evaluate as api
from sweeps.console import say, say_json
from sweeps.options import ForceUnit, ModelFolder
from sweeps.quantities import FORCE_UNIT

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import pandas as pd


def evaluate(
    model: ModelFolder,
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Labels of the model's level, in any format.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the figures and tables; default: none.")] = None,
    energy_unit: Annotated[str | None, typer.Option(help="Unit of the energies, where the file states none.")] = None,
    length_unit: Annotated[str | None, typer.Option(help="Unit of length, where the file states none.")] = None,
    level: Annotated[str | None, typer.Option(help="Level of the labels, where the file states none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    force_unit: ForceUnit = FORCE_UNIT,
) -> None:
    """Say how wrong a model is on labels: over all, by molecule, by element, inside and outside the training data.

    Example:

      asteroid-study evaluate model labels.npz --out errors
    """
    from asteroid.units import force_unit_in_ev_ang

    units: list[str] = []
    try:
        found = api.evaluate(
            model,
            labels,
            out=out,
            energy_unit=energy_unit,
            length_unit=length_unit,
            level=level,
            force_unit=force_unit,
            on_line=units.append,
        )
    except UndeclaredError as error:
        raise InputError(str(error).replace("declare level", "declare it with --level")) from error
    if as_json:
        say_json({"errors": [_known(row) for row in found.errors.to_dict("records")]})
        return
    for line in (*units, *_lines(found.errors, force_unit, force_unit_in_ev_ang(force_unit))):
        say(line)
    if out is not None:
        say(f"figures and tables: {out}")


def _known(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if not _is_missing(value)}


def _is_missing(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _lines(errors: pd.DataFrame, force_unit: str, scale: float) -> list[str]:
    from asteroid.units import KCAL_PER_MOL_EV

    head = ("", "frames", f"force MAE ({force_unit})", "RMSE", "largest", "energy MAE (kcal/mol)", "constant free")
    units = dict.fromkeys(("force_mae_ev_ang", "force_rmse_ev_ang", "force_largest_ev_ang"), scale)
    units |= dict.fromkeys(("energy_mae_ev", "energy_mae_shifted_ev"), KCAL_PER_MOL_EV)
    rows: list[tuple[str, ...]] = [head]
    for own in map(_known, errors.to_dict("records")):
        count = f"{int(own['n_frames']):,}" if "n_frames" in own else ""
        cells = [f"{own[name] / unit:.3g}" if name in own else "" for name, unit in units.items()]
        rows.append((own["of"], count, *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
