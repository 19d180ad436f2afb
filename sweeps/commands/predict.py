"""The command `predict`: energies and forces of the frames of a file, from an exported model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.api import predict as api
from sweeps.console import say
from sweeps.options import ModelFolder


def predict(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Geometries in any format that label files have.")],
    out: Annotated[Path, typer.Option("--out", help="Predictions: .npz, or .xyz and .extxyz.")],
    spread: Annotated[bool, typer.Option(help="Ask the committee as well, where the model has one.")] = True,
    length_unit: Annotated[str | None, typer.Option(help="Unit of length of an npz file that states none.")] = None,
) -> None:
    """Predict energies and forces of geometries, the committee's spread, and frames outside the training data.

    Example:

      asteroid-study predict model geometries.xyz --out predicted.xyz
    """
    found = api.predict(model, file, out=out, spread=spread, length_unit=length_unit)
    said = f"{out}: {len(found.frames):,} frames, energies in eV, forces in eV/Å of {found.level}"
    if found.forces_spread is not None:
        said += f"; mean spread of the committee {found.forces_spread.mean():.3g} eV/Å"
    if found.outside is not None:
        said += f"; {int(found.outside.sum()):,} frames outside the training data"
    say(said)
