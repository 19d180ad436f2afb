"""A purchase on the terminal: its rounds, and what hidden labels say of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.buying.state import PurchaseState


def round_line(state: PurchaseState, force_unit: str) -> str:
    """One line on the last round: labels, price so far, the best with its interval, P, what is next."""
    from analysis.names import display_level, duration, shown_probability
    from asteroid.measured_errors import error_unit

    force_unit = state.request.unit_to_show(force_unit)
    own, scale = state.rounds[-1], error_unit(force_unit)
    best = own.verdict.best
    low, middle, high = (v / scale for v in (best.low_ev_ang, best.error_ev_ang, best.high_ev_ang))
    following = {"stop": "stop", "cannot": "give up", "buy": f"buy {own.verdict.n_next - own.n_owned}"}
    if own.verdict.joining:
        following["buy"] = f"buy {own.verdict.n_intermediate - own.n_intermediate} of {display_level(state.levels[-1])}"
    between = f" and {own.n_intermediate} of {display_level(state.levels[-1])}" if own.n_intermediate else ""
    return (
        f"round {len(state.rounds)} | {own.n_owned} labels{between}, {duration(own.labels_cpu_s)} | {best.name}: "
        f"{middle:.3g} [{low:.3g}, {high:.3g}] {force_unit} | P {shown_probability(best.probability):.2f} | "
        f"{following[own.verdict.action]}"
    )


def rounds_lines(state: PurchaseState, force_unit: str) -> list[str]:
    """A table of all rounds, one line each; with the labels of the level between where there are any."""
    from analysis.names import display_level, duration, shown_probability
    from asteroid.measured_errors import error_unit

    force_unit = state.request.unit_to_show(force_unit)
    scale = error_unit(force_unit)
    is_ladder = any(own.n_intermediate for own in state.rounds)
    between = display_level(state.levels[-1])
    head = ["round", "labels", "price", "training", f"error ({force_unit})", "P", "racing", "next"]
    rows = [[*head[:2], between, *head[2:]] if is_ladder else head]
    spent_s = 0.0
    for number, own in enumerate(state.rounds, 1):
        best, spent_s = own.verdict.best, spent_s + own.core_s
        low, middle, high = (v / scale for v in (best.low_ev_ang, best.error_ev_ang, best.high_ev_ang))
        following = {"stop": "stop", "cannot": "give up"}.get(own.verdict.action, f"{own.verdict.n_next} labels")
        rows.append(
            [
                str(number),
                str(own.n_owned),
                *([str(own.n_intermediate)] if is_ladder else []),
                duration(own.labels_cpu_s),
                duration(spent_s),
                f"{middle:.3g} [{low:.3g}, {high:.3g}]",
                f"{shown_probability(best.probability):.2f}",
                str(len(own.verdict.racing) + len(own.verdict.joining)),
                f"{own.verdict.n_intermediate} {between}" if own.verdict.joining else following,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def hidden_line(state: PurchaseState, force_unit: str) -> str:
    """What the delivered model's error is on labels that a replay has hidden from the purchase."""
    from asteroid.measured_errors import Measured, error_unit

    assert state.delivered is not None
    delivered, request = state.delivered, state.request
    known = {
        Measured.FORCES: delivered["hidden_error_ev_ang"],
        Measured.ENERGIES: delivered.get("hidden_energy_error_ev"),
        Measured.ENERGIES_PER_ATOM: delivered.get("hidden_energy_error_ev_per_atom"),
    }
    unit = request.unit_to_show(force_unit)
    error = known[Measured(request.measured)]
    shown = "not known" if error is None else f"{error / error_unit(unit):.3g} {unit}"
    return f"on {delivered['n_hidden']:,} labels that the purchase has not seen: {shown}"
