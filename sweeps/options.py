"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.quantities import display_unit, probability

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run or of a purchase, as given to --out.")]
ModelFolder = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Folder of an exported model, of 'export' or 'buy'.")
]
SweepName = Annotated[str, typer.Argument(metavar="SWEEP", help="Sweep file (YAML) or the name of a preset.")]

Device = Annotated[str, typer.Option(help="Where networks are trained: cpu, or cuda for one GPU.", metavar="DEVICE")]
GpusPerWorker = Annotated[
    float | None,
    typer.Option(min=0.01, help="Share of a GPU for each Ray worker with --device cuda. Default: 1.", metavar="SHARE"),
]
Confidence = Annotated[
    float,
    typer.Option(
        help="Probability with which the target must be met, 0.5 to 0.99.",
        parser=probability,
        metavar="PROBABILITY",
    ),
]
Prices = Annotated[
    list[str] | None,
    typer.Option(
        help="Price of one label (28s, 12min, 2h), in place of the run's. May be repeated.", metavar="LEVEL=TIME"
    ),
]
ForceUnit = Annotated[
    str,
    typer.Option(
        help="Unit of errors on display, for instance meV/A.",
        callback=display_unit,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

Calculator = Annotated[
    str | None,
    typer.Option(help="Function that makes an ASE calculator; --level then names it.", metavar="MODULE:FACTORY"),
]
Charge = Annotated[int | None, typer.Option(help="Total charge. Default: what the file states, else 0.")]
Spin = Annotated[
    int | None, typer.Option(min=0, help="Number of unpaired electrons. Default: what the file states, else 0.")
]
LengthUnit = Annotated[
    str | None, typer.Option(help="Unit of length of a file that does not say it; of XYZ it is Å.", metavar="UNIT")
]
MaxCycle = Annotated[int, typer.Option(min=1, help="Iterations before a geometry counts as failed.")]
