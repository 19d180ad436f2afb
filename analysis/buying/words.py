"""A decision in a sentence; whoever calls prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.caveats import caveat_lines
from analysis.names import duration, shown_probability
from asteroid.measured_errors import error_unit

if TYPE_CHECKING:
    from analysis.buying.decision import Decision, Standing


def explain_decision(decision: Decision, *, force_unit: str = "kcal/mol/Å") -> list[str]:
    """What to do and why, then the caveats.

    Raises:
        InputError: the unit is not known.
    """
    best, unit = decision.best, error_unit(force_unit)
    target = f"{decision.target_ev_ang / unit:.3g} {force_unit}"
    now = (
        f"{decision.n_labels} labels, {best.key.label()}: error {_error(best, unit)} {force_unit}; "
        f"it meets {target} with a probability of {shown_probability(best.probability):.0%}"
    )
    if decision.action == "stop":
        line = f"Enough: {now}."
    elif decision.action == "buy":
        more = decision.n_next - decision.n_labels
        line = (
            f"{now}. Buy {more} more, {decision.n_next} in all; "
            f"expected to the end: {duration(decision.expected_cpu_s)}."
        )
    elif decision.farthest.n_labels > decision.n_labels:
        far = decision.farthest
        line = (
            f"{target} will not be met: even {far.n_labels} labels would do with a probability of only "
            f"{shown_probability(far.probability):.0%}; the error to be had with them is {_error(far, unit)} "
            f"{force_unit}. In hand: {now}."
        )
    else:
        line = f"No more labels may be bought: {now}."
    return [line, *caveat_lines(decision.caveats)]


def _error(standing: Standing, unit: float) -> str:
    low, middle, high = (v / unit for v in (standing.low_ev_ang, standing.error_ev_ang, standing.high_ev_ang))
    return f"{middle:.3g} [{low:.3g}, {high:.3g}]"
