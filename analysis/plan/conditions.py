"""What is asked of a plan: the error to meet, and the conditions of the purchase."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.curves.curves import Curve
    from analysis.plan.run_evidence import RunEvidence
    from study.prices import PriceList

MIN_CONFIDENCE, MAX_CONFIDENCE = 0.5, 0.99


@dataclass(frozen=True)
class Target:
    """An error to meet.

    Attributes:
        error_ev_ang: force MAE of one new run, eV/Å.
        confidence: probability with which it must be met.

    Raises:
        InputError: the error is not positive and finite, or the confidence out of range.
    """

    error_ev_ang: float
    confidence: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what cannot be met or promised."""
        if not (math.isfinite(self.error_ev_ang) and self.error_ev_ang > 0):
            raise InputError(
                f"a target error must be positive, found {self.error_ev_ang:g}: give the error that is acceptable"
            )
        if not MIN_CONFIDENCE <= self.confidence <= MAX_CONFIDENCE:
            raise InputError(
                f"a confidence lies between {MIN_CONFIDENCE} and {MAX_CONFIDENCE}, found {self.confidence:g}: "
                "write for instance 0.95 or 95%"
            )


@dataclass(frozen=True)
class Conditions:
    """What holds for all options of a plan.

    Attributes:
        prices: of the accurate and the cheap level.
        already: labels that are owned and cost nothing, by level.
        md_steps: steps of molecular dynamics that the model is for.
        pool: accurate labels that the sweep's set has for buying, where known.
    """

    prices: PriceList
    already: Mapping[str, int]
    md_steps: float
    pool: int | None

    def use_cpu_s(self, curve: Curve) -> float:
        """CPU seconds of the declared MD steps; NaN where the use of the curve was not measured."""
        return self.md_steps * curve.use_cpu_s_per_frame if self.md_steps else 0.0


def conditions_of(run: RunEvidence, already: Mapping[str, int] | None, md_steps: float) -> Conditions:
    """Check the conditions of a purchase.

    Args:
        run: what is known.
        already: labels that are owned and cost nothing, by level.
        md_steps: steps of molecular dynamics that the model is for.

    Raises:
        InputError: labels are owned of a level that the run lacks or in a negative number, or the use is declared and
            no curve was measured.
    """
    for level, n in (already or {}).items():
        if level not in run.prices.levels:
            raise InputError(f"no labels of level {level!r} in this run: own those of {', '.join(run.prices.levels)}")
        if n < 0:
            raise InputError(f"a number of labels owned is at least 0, found {n} of {level}: correct it")
    if not (math.isfinite(md_steps) and md_steps >= 0):
        raise InputError(f"a number of MD steps is at least 0, found {md_steps:g}: give the steps to be run")
    if md_steps and all(math.isnan(known.curve.use_cpu_s_per_frame) for known in run.competing.values()):
        raise InputError(
            "MD steps are priced by CPU seconds per predicted frame, found none in this run: run it again with this "
            "version, or leave the steps out"
        )
    return Conditions(run.prices, already or {}, md_steps, run.pool)
