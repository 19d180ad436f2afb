"""What a purchase asks after every look, and what it is told: the seam to whoever decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import Field

from asteroid.measured_errors import Measured, error_unit, unit_to_show

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from study.prices import PriceList


@dataclass(frozen=True)
class Request:
    """What is wanted of a purchase; part of what makes two purchases the same.

    Attributes:
        target_ev_ang: force MAE that the model is to have, eV/Å; of energies, eV or eV per atom.
        confidence: probability with which it is to have it.
        most_labels: labels that may be owned in the end, or None.
        most_cpu_s: CPU seconds that all of it may take, or None.
        prior: of the curves.
        measured: what the target is on (`asteroid.measured_errors.Measured`).
    """

    target_ev_ang: float
    confidence: float
    most_labels: int | None
    most_cpu_s: float | None
    prior: Literal["learnt", "vague"]
    measured: str = str(Measured.FORCES)

    def in_words(self) -> dict[str, str]:
        """What is wanted, by name and with its unit."""
        unit = Measured(self.measured).usual_unit
        return {
            "target": f"{self.target_ev_ang / error_unit(unit):.6g} {unit}",
            "confidence": f"{self.confidence:g}",
            "limit of labels": "none" if self.most_labels is None else f"{self.most_labels:,}",
            "limit of time": "none" if self.most_cpu_s is None else f"{self.most_cpu_s / 3600:g} h",
            "prior": self.prior,
        }

    def unit_to_show(self, wanted: str) -> str:
        """The unit of its errors: the one that is wanted where it fits.

        Raises:
            InputError: that is not known.
        """
        return unit_to_show(Measured(self.measured), wanted)


@dataclass(frozen=True, eq=False)
class Situation:
    """What is known after a look.

    Attributes:
        looks: rows of the table of out-of-fold errors, of all looks so far.
        request: what is wanted.
        prices: of both levels.
        n_owned: labels owned.
        most_labels: the most that can be owned: the limits, and the geometries that there are.
        racing: names of the contenders that were trained in this look -> their key columns.
        look_core_s: what another look is expected to take, by name of contender, core seconds: counted, not measured,
            so that the same situation gives the same verdict.
        waiting: names of contenders of a ladder that need more labels of the level between than are owned -> their key
            columns.
        intermediate_level: the level between; empty: none.
        n_intermediate: labels owned of it.
        left_cpu_s: CPU seconds that may still be spent on labels.
    """

    looks: pd.DataFrame
    request: Request
    prices: PriceList
    n_owned: int
    most_labels: int
    racing: Mapping[str, Mapping[str, Any]]
    look_core_s: Mapping[str, float]
    waiting: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    intermediate_level: str = ""
    n_intermediate: int = 0
    left_cpu_s: float = math.inf


@dataclass(frozen=True)
class Standing:
    """A contender with the labels owned. Errors in eV/Å; for a target on energies, in eV or eV per atom.

    Attributes:
        name: of the contender.
        error_ev_ang: force MAE of its model of all these labels, the median.
        low_ev_ang: lower end of its 90 % interval.
        high_ev_ang: upper end.
        probability: that it meets the target.
        racing: whether it is trained in the next look, if there is one.
    """

    name: str
    error_ev_ang: float
    low_ev_ang: float
    high_ev_ang: float
    probability: float
    racing: bool


@dataclass(frozen=True)
class Verdict:
    """What is done next, and why.

    Attributes:
        action: stop (the target is met), buy, or cannot (it will not be met within the limits).
        n_next: accurate labels to own at the next look; those owned unless `action` is buy.
        standings: of the contenders of the look; the model of the first is delivered if this is the end.
        sentences: why, for people.
        joining: names of contenders that were waiting for labels of the level between and are trained in the next look:
            these labels are bought before, and no accurate ones.
        n_intermediate: labels of the level between to own at the next look; 0: as many as now.
    """

    action: Literal["stop", "buy", "cannot"]
    n_next: int
    standings: Annotated[tuple[Standing, ...], Field(min_length=1)]
    sentences: tuple[str, ...] = ()
    joining: tuple[str, ...] = ()
    n_intermediate: int = 0

    @property
    def best(self) -> Standing:
        """The contender whose model is delivered if this is the end."""
        return self.standings[0]

    @property
    def racing(self) -> tuple[str, ...]:
        """Names of the contenders that are trained in the next look."""
        return tuple(standing.name for standing in self.standings if standing.racing)


class Decide(Protocol):
    """Decides after every look; the same situation gives the same verdict."""

    def __call__(self, situation: Situation) -> Verdict:
        """What is done next."""
        ...
