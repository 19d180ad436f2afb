"""The command `check`: what a sweep will train, buy and take, before it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.api import check as api
from sweeps.console import say
from sweeps.options import SweepName


def check(
    sweep: SweepName,
    workers: Annotated[int, typer.Option(min=1, help="Workers to reckon with, one core each.")] = 1,
    store: Annotated[
        Path | None, typer.Option(help="Shared store whose finished stages need no training.", metavar="DIR")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where networks would be trained: cpu, or cuda for one GPU.", metavar="DEVICE")
    ] = "cpu",
) -> None:
    """Load and check the labels of a sweep, count what it will train and buy, and measure what that will take.

    A few real steps of each kind of pack are trained on this machine; nothing is written.

    Examples:

      asteroid-study check quickstart --workers 2

      asteroid-study check my_sweep.yaml --store stages
    """
    api.check(sweep, workers=workers, store=store, device=device, on_line=say)
