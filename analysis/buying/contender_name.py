"""What people call a contender of a purchase, whose name in the table of rounds is made for programs."""

from __future__ import annotations

import re

from analysis.names import display_level
from study.strategies import strategy_of

#: A part that tells how many frames or labels are taken of a level.
_COUNTED = re.compile(r"(\d+) (.+)")


def contender_name(contender: str, strategy: str) -> str:
    """The strategy's name with the settings that tell contenders of one strategy apart.

    Args:
        contender: as in the table of rounds, such as "pretrain_finetune, standard, 4000 gfn2-xtb".
        strategy: its strategy.
    """
    entry = strategy_of(strategy)
    parts = contender.removeprefix(strategy).removeprefix(", ")
    return ", ".join([entry.name, *(_part(part, named=entry.finetunes) for part in parts.split(", ") if part)])


def _part(part: str, *, named: bool) -> str:
    """One setting; a word by itself is the name of a schedule where `named`, else a level."""
    counted = _COUNTED.fullmatch(part)
    if counted:
        level = counted[2]
        return f"{int(counted[1]):,} {level if level == 'cheap' else display_level(level)}"
    if part.startswith("gamma "):
        return f"γ/median = {part.removeprefix('gamma ')}"
    return f"{part} schedule" if named else display_level(part)
