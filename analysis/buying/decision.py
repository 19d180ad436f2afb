"""What is asked of a purchase in rounds, and what is answered: plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analysis.caveats import Caveat
    from analysis.curves.curve_key import CurveKey

#: What to do next: hand out the model, buy a batch, or give up.
Action = Literal["stop", "buy", "cannot"]
_LEAST_CONFIDENCE, _MOST_CONFIDENCE = 0.5, 0.99
#: Price of a look at one strategy over that of a label, where it is not known.
_LOOK_SHARE = 0.3


@dataclass(frozen=True)
class Limits:
    """What may be bought at most.

    Attributes:
        most_labels: accurate labels in all; None: no limit.
        most_cpu_s: CPU seconds still to be spent on labels; None: no limit.
        least_batch: labels of a round at least, where a round is a nuisance.
    """

    most_labels: int | None = None
    most_cpu_s: float | None = None
    least_batch: int = 1


@dataclass(frozen=True)
class Standing:
    """A strategy at some number of labels.

    Attributes:
        key: the strategy and its settings.
        n_labels: accurate labels.
        error_ev_ang: force MAE of its model of all these labels, median.
        low_ev_ang: 5 % quantile.
        high_ev_ang: 95 % quantile.
        probability: P(its model meets the target).
        wins: probability to be the first to meet it.
        racing: whether it is worth training again.
    """

    key: CurveKey
    n_labels: int
    error_ev_ang: float
    low_ev_ang: float
    high_ev_ang: float
    probability: float
    wins: float
    racing: bool


@dataclass(frozen=True)
class Decision:
    """What to do next.

    Attributes:
        action: stop (hand out the first standing's model), buy, or cannot (give up).
        n_labels: labels owned.
        n_next: labels to own at the next look; those owned unless `action` is buy.
        target_ev_ang: the error to meet.
        confidence: the probability asked for.
        standings: strategies at the labels owned, the likeliest to meet the target first.
        farthest: the strategy that promises most with the most labels considered.
        expected_cpu_s: expected cost of labels and looks from now to the end; 0 where nothing is bought.
        caveats: what to know before trusting it.
    """

    action: Action
    n_labels: int
    n_next: int
    target_ev_ang: float
    confidence: float
    standings: tuple[Standing, ...]
    farthest: Standing
    expected_cpu_s: float
    caveats: tuple[Caveat, ...]

    @property
    def best(self) -> Standing:
        """The strategy whose model is the likeliest to meet the target; of those sure to, the most accurate."""
        return self.standings[0]

    @property
    def racing(self) -> tuple[CurveKey, ...]:
        """The strategies to train at the next look."""
        return tuple(standing.key for standing in self.standings if standing.racing)


@dataclass(frozen=True)
class Wish:
    """What is asked of a purchase.

    Attributes:
        target_ev_ang: force MAE that the model is to meet, eV/Å.
        confidence: probability with which it must.

    Raises:
        InputError: the target is not positive and finite, or the confidence not between .5 and .99.
    """

    target_ev_ang: float
    confidence: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what cannot be met or promised."""
        if not (math.isfinite(self.target_ev_ang) and self.target_ev_ang > 0):
            raise InputError(
                f"a target error must be positive, found {self.target_ev_ang:g}: give the error that is acceptable"
            )
        if not _LEAST_CONFIDENCE <= self.confidence <= _MOST_CONFIDENCE:
            raise InputError(
                f"a confidence lies between {_LEAST_CONFIDENCE} and {_MOST_CONFIDENCE}, found {self.confidence:g}"
            )


@dataclass(frozen=True)
class Costs:
    """What the next label and the next look cost.

    Attributes:
        label_cpu_s: CPU seconds of one more label.
        look_core_s: core seconds that a look takes by strategy; one that is missing counts as a share of a label.
        label_cpu_s_of: of one more label by strategy, where cheap levels compete; one that is missing: `label_cpu_s`.
    """

    label_cpu_s: float = 1.0
    look_core_s: Mapping[CurveKey, float] = field(default_factory=dict)
    label_cpu_s_of: Mapping[CurveKey, float] = field(default_factory=dict)

    def look(self, keys: Iterable[CurveKey]) -> float:
        """Price of a look at some strategies."""
        return sum(self.look_core_s.get(key, _LOOK_SHARE * self.label_cpu_s) for key in keys)
