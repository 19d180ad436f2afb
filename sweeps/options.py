"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Method

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, as given to 'run --out'.")]
ModelFolder = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Folder of an exported model, of 'export' or 'buy'.")
]
SweepName = Annotated[str, typer.Argument(metavar="SWEEP", help="Sweep file (YAML) or the name of a preset.")]

Confidence = Annotated[float, typer.Option(help="Probability with which the target must be met.")]
Prices = Annotated[
    list[str] | None,
    typer.Option(help="Price of one label, overriding the run's. May be repeated.", metavar="LEVEL=SECONDS"),
]
ForceUnit = Annotated[
    str,
    typer.Option(
        help="Unit of force errors on display, for instance meV/A.",
        callback=lambda unit: f"{unit[:-2]}/Å" if unit.endswith("/A") else unit,
    ),
]
FORCE_UNIT = "kcal/mol/Å"
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


def make_method(
    geometries: Path, level: str, charge: int | None, spin: int | None, max_cycle: int, calculator: str | None
) -> Method:
    """How labels are computed, from the options of a command and the charge that the geometries' file states.

    Raises:
        InputError: no such level, or the file states another charge or spin.
    """
    from asteroid.labelling.labeller import Method
    from asteroid.labelling.levels import computable_level
    from asteroid.labels.level_names import normalise_level
    from study.labelling.geometry_files import stated_electrons

    charge, spin, taken = stated_electrons(geometries, charge, spin)
    if taken is not None:
        typer.echo(taken, err=True)
    if calculator is not None:
        return Method(normalise_level(level), charge, spin, max_cycle, calculator, str(Path.cwd()))
    return Method(computable_level(level), charge, spin, max_cycle)
