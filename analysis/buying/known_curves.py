"""Learning curves that were seen before: what the learnt prior learns from. Made by `benchmarks/buying_prior.py`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class KnownCurve:
    """The power law with a floor of one curve, as `analysis.curves.power_law` fits it.

    Attributes:
        system: molecule or set; a purchase for it can leave its curves out.
        strategy: of this package, or what a network of somebody else was pretrained on.
        log_slope: mean of the log slope.
        log_slope_sd: its standard deviation.
        floor: mean share of the floor in the error at 50 labels.
        source: where the errors are published.
    """

    system: str
    strategy: str
    log_slope: float
    log_slope_sd: float
    floor: float
    source: str


def known_curves() -> tuple[KnownCurve, ...]:
    """The curves of `known_curves.csv` beside this file."""
    text = resources.files(__package__).joinpath("known_curves.csv").read_text(encoding="utf-8")
    return tuple(
        KnownCurve(
            row["system"],
            row["strategy"],
            float(row["log_slope"]),
            float(row["log_slope_sd"]),
            float(row["floor"]),
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )
