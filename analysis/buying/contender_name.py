"""What people call a contender of a purchase, whose name in the table of rounds is made for programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analysis.names import display_level
from study.strategies import strategy_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A part that tells how many frames or labels are taken of a level.
_COUNTED = re.compile(r"(\d+) (.+)")


def contender_names(contenders: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The strategies' names with the settings that tell contenders of one strategy apart.

    The schedule is named where a strategy has more than one.

    Args:
        contenders: each as in the table of rounds, such as "pretrain_finetune, standard, 4000 gfn2-xtb", with its
            strategy.
    """
    settings = {
        contender: (strategy, contender.removeprefix(strategy).removeprefix(", ").split(", "))
        for contender, strategy in contenders
    }
    schedules = {(strategy, part) for strategy, parts in settings.values() for part in parts if _is_name(part)}
    several = {strategy for strategy, _ in schedules if sum(own == strategy for own, _ in schedules) > 1}
    found = {}
    for contender, (strategy, parts) in settings.items():
        entry = strategy_of(strategy)
        shown = [part for part in parts if part and (not entry.finetunes or strategy in several or not _is_name(part))]
        found[contender] = ", ".join([entry.name, *(_part(part, named=entry.finetunes) for part in shown)])
    return found


def _is_name(part: str) -> bool:
    return bool(part) and _COUNTED.fullmatch(part) is None and not part.startswith("gamma ")


def _part(part: str, *, named: bool) -> str:
    """One setting; a word by itself is the name of a schedule where `named`, else a level."""
    counted = _COUNTED.fullmatch(part)
    if counted:
        level = counted[2]
        return f"{int(counted[1]):,} {level if level == 'cheap' else display_level(level)}"
    if part.startswith("gamma "):
        return f"γ/median = {part.removeprefix('gamma ')}"
    return f"{part} schedule" if named else display_level(part)
