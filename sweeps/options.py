"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, as given to 'run --out'.")]

ForceUnit = Annotated[
    str,
    typer.Option(
        help="Unit of force errors on display, for instance meV/A.",
        callback=lambda unit: f"{unit[:-2]}/Å" if unit.endswith("/A") else unit,
    ),
]

FORCE_UNIT = "kcal/mol/Å"
