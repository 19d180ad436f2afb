"""Schedules that a sweep file leaves to the architecture: steps, rates, EMA and batches by kind of stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.models.network import Usual

#: By section: times the steps on accurate labels alone, and a part of their rate: what is trained is worth keeping.
_OVER_IDENTIFY = {"identify": (1.0, 1), "pretrain": (2.0, 1), "residual": (1.0, 1), "finetune": (0.5, 10)}


def with_usual(given: Mapping[str, Any], usual: Usual) -> dict[str, Any]:
    """A sweep as plain data, with an architecture's usual values in schedules that do not name a learning rate.

    A schedule that names its rate is as it was written: its other settings are those of every architecture.
    """
    filled = dict(given)
    for kind, (steps, part) in _OVER_IDENTIFY.items():
        values = {
            "steps": round(usual.steps * steps),
            "learning_rate": usual.learning_rate / part,
            "ema": usual.ema,
            "batch_size": usual.batch_size,
        }
        section = filled.get(kind)
        if not isinstance(section, dict):
            continue
        if kind == "finetune":
            filled[kind] = {name: _filled(own, values) for name, own in section.items()}
        else:
            filled[kind] = _filled(section, values)
    return filled


def _filled(section: Any, values: Mapping[str, Any]) -> Any:
    if not isinstance(section, dict) or {"learning_rate", "from"} & section.keys():  # "from": nothing is trained
        return section
    return {**values, **section}
