"""The cheap level of a study as a function that runs at every prediction, where it can and is quick enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asteroid.labelling.cheap_methods import cheap_method, why_not
from asteroid.labels.charge_and_spin import CLOSED_SHELL

if TYPE_CHECKING:
    from asteroid.labelling.cheap_methods import CheapMethod
    from asteroid.labels.charge_and_spin import ChargeAndSpin

#: Labels of levels that cost more, CPU s, are made with `label`, where they are kept one by one: hundreds take hours.
QUICK_CPU_S = 2.0


class LiveMethod(NamedTuple):
    """A cheap method, or why there is none."""

    method: CheapMethod | None
    why_not: str | None


def live_method(
    level: str, label_cpu_s: float, named: str | None, electrons: ChargeAndSpin = CLOSED_SHELL
) -> LiveMethod:
    """The cheap method of a study.

    Args:
        level: of the cheap frames.
        label_cpu_s: price of a label of it.
        named: the level that the study's file names for them, or None. A calculator of the user's is run only where it
            is named there.
        electrons: charge and spin of the molecule.
    """
    declared = named == level
    if (reason := why_not(level, electrons, declared=declared)) is not None:
        return LiveMethod(None, reason)
    if label_cpu_s > QUICK_CPU_S:
        return LiveMethod(None, f"{level} takes {label_cpu_s:.3g} s a label, more than is computed on the way")
    return LiveMethod(cheap_method(level, electrons, declared=declared), None)
