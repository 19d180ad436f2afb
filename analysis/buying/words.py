"""A decision in a sentence; whoever calls prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.caveats import caveat_lines
from analysis.names import display_level, duration, in_percent
from asteroid.measured_errors import error_unit

if TYPE_CHECKING:
    from analysis.buying.decision import Decision, Standing
    from analysis.buying.joining import Joining


def explain_decision(decision: Decision, *, force_unit: str = "kcal/mol/Å") -> list[str]:
    """What to do and why, then the caveats.

    Raises:
        InputError: the unit is not known.
    """
    unit, target, now = error_unit(force_unit), _target(decision, force_unit), _now(decision, force_unit)
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
            f"{in_percent(far.probability)}; the error to be had with them is {_error(far, unit)} "
            f"{force_unit}. In hand: {now}."
        )
    else:
        line = f"No more labels may be bought: {now}."
    return [line, *caveat_lines(decision.caveats)]


def explain_joining(decision: Decision, joining: Joining, level: str, *, force_unit: str = "kcal/mol/Å") -> list[str]:
    """Why labels of the level between are bought next.

    Raises:
        InputError: the unit is not known.
    """
    without = "nothing else is left to be tried"
    if decision.action == "buy":
        chance = in_percent(decision.farthest.probability)
        without = f"without them {duration(decision.expected_cpu_s)} and {chance}"
    line = (
        f"{_now(decision, force_unit)}. Buy {joining.n_more} more of {display_level(level)}, {joining.n_labels} in "
        f"all, and look again; expected to the end: {duration(joining.expected_cpu_s)} and a chance of "
        f"{in_percent(joining.chance)} that it is met, {without}."
    )
    return [line, *caveat_lines(decision.caveats)]


def _target(decision: Decision, force_unit: str) -> str:
    return f"{decision.target_ev_ang / error_unit(force_unit):.3g} {force_unit}"


def _now(decision: Decision, force_unit: str) -> str:
    best, target = decision.best, _target(decision, force_unit)
    return (
        f"{decision.n_labels} labels, {best.key.label()}: error {_error(best, error_unit(force_unit))} {force_unit}; "
        f"it meets {target} with a probability of {in_percent(best.probability)}"
    )


def _error(standing: Standing, unit: float) -> str:
    low, middle, high = (v / unit for v in (standing.low_ev_ang, standing.error_ev_ang, standing.high_ev_ang))
    return f"{middle:.3g} [{low:.3g}, {high:.3g}]"
