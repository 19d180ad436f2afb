"""The certificate of a purchase: the delivered model's error, how sure it is, what was spent, and hindsight."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.buying.looks import looks_of
from analysis.buying.noise_law import NoiseLaw
from analysis.buying.posterior import error_posterior
from analysis.buying.prior import learnt_prior
from analysis.names import duration, shown_probability
from asteroid.measured_errors import error_unit, heading_in

if TYPE_CHECKING:
    import pandas as pd

    from analysis.buying.decision import Decision, Standing
    from analysis.buying.prior import CurvePrior


@dataclass(frozen=True)
class Certificate:
    """What is said of the model that is handed out.

    Attributes:
        standing: its strategy, error with 90 % interval, and probability to meet the target.
        target_ev_ang: the error to meet.
        confidence: the probability that was asked for.
        spent_cpu_s: price of all that was bought, by what it was for.
        hindsight: the fewest labels that would have met the target with the same confidence, all looks considered;
            None where even those owned do not.
        caveats: slugs of what to know before trusting it.
    """

    standing: Standing
    target_ev_ang: float
    confidence: float
    spent_cpu_s: dict[str, float]
    hindsight: int | None
    caveats: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether the probability is what was asked for."""
        return self.standing.probability >= self.confidence

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {
            "standing": asdict(self.standing) | {"key": self.standing.key.to_json()},
            "caveats": list(self.caveats),
            "met": self.met,
        }

    def lines(self, *, force_unit: str = "kcal/mol/Å") -> list[str]:
        """The certificate in words.

        Raises:
            InputError: the unit is not known.
        """
        unit, own = error_unit(force_unit), self.standing
        low, middle, high = (v / unit for v in (own.low_ev_ang, own.error_ev_ang, own.high_ev_ang))
        lines = [
            f"{own.key.label()}, trained on all {own.n_labels} labels.",
            f"{heading_in(force_unit)} {middle:.3g} {force_unit}, 90 % interval [{low:.3g}, {high:.3g}]; P(it is at "
            f"most {self.target_ev_ang / unit:.3g}) = {shown_probability(own.probability):.2f}, "
            f"asked for: {self.confidence:.2f}.",
            "Spent: " + ", ".join(f"{what} {duration(cpu_s)}" for what, cpu_s in self.spent_cpu_s.items()) + ".",
        ]
        if self.hindsight is not None and self.hindsight < own.n_labels:
            lines.append(f"In hindsight {self.hindsight} labels would have been enough.")
        return lines


def certify(
    table: pd.DataFrame,
    decision: Decision,
    spent_cpu_s: dict[str, float],
    *,
    prior: CurvePrior | None = None,
    law: NoiseLaw | None = None,
) -> Certificate:
    """The certificate of a purchase that has ended.

    Args:
        table: all out-of-fold errors of the purchase.
        decision: the last one, made from them.
        spent_cpu_s: CPU seconds by what they were for.
        prior: as in the decision.
        law: as in the decision.
    """
    best = decision.best
    looks = looks_of(table)[best.key]
    n = np.arange(min(5, looks.newest), looks.newest + 1, dtype=float)
    posterior = error_posterior(looks, n, prior or learnt_prior(), law or NoiseLaw())
    # As in the decision, the selection bias of the best is taken out: at the labels owned both say the same.
    posterior = posterior.shifted(math.log(best.error_ev_ang) - float(posterior.quantiles([0.5], -1)[0]))
    enough = posterior.probability(math.log(decision.target_ev_ang)) >= decision.confidence
    # The fewest from which on all are enough.
    short = np.flatnonzero(~enough)
    first = 0 if short.size == 0 else int(short[-1]) + 1
    hindsight = int(n[first]) if first < len(n) else None
    return Certificate(
        best,
        decision.target_ev_ang,
        decision.confidence,
        dict(spent_cpu_s),
        hindsight,
        tuple(str(caveat) for caveat in decision.caveats),
    )
