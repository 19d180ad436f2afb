"""Warnings that the rows of a results table carry, alike ones together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analysis.report.tables import TextTable
from study.strategies import rank_of, strategy_of

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def warnings_table(table: pd.DataFrame) -> TextTable | None:
    """Group warnings that differ in their numbers only: what they say, on how many rows, of which recipes.

    Args:
        table: results table; its column `warnings` holds sentences, separated by semicolons, full stops or lines.

    Returns:
        One row for each kind of warning, the most frequent first; None where there is no warning.
    """
    if "warnings" not in table:
        return None
    groups: dict[str, list[tuple[str, tuple[str, float], int]]] = {}
    for at, (text, strategy, gamma_rel) in enumerate(
        zip(table["warnings"].fillna(""), table["strategy"], table["gamma_rel"], strict=True)
    ):
        for sentence in filter(None, (part.strip(" .") for part in re.split(r";\s+|\.\s+|\n", str(text)))):
            groups.setdefault(_NUMBER.sub("#", sentence), []).append((sentence, (str(strategy), float(gamma_rel)), at))
    if not groups:
        return None
    rows = []
    for found in sorted(groups.values(), key=len, reverse=True):
        recipes = sorted({recipe for _, recipe, _ in found}, key=lambda recipe: (rank_of(recipe[0]), *map(str, recipe)))
        n_rows = len({at for _, _, at in found})
        rows.append((_ranges([sentence for sentence, _, _ in found]), f"{n_rows:,} of {len(table):,}", _names(recipes)))
    return TextTable("Warnings of single rows, alike ones together", ("Warning", "Rows", "Recipes"), tuple(rows))


def _ranges(sentences: list[str]) -> str:
    """One sentence for all, with the range of each number that differs."""
    numbers = list(zip(*(_NUMBER.findall(sentence) for sentence in sentences), strict=True))
    words = _NUMBER.split(sentences[0])
    shown = [_range(found) for found in numbers] + [""]
    return "".join(word + number for word, number in zip(words, shown, strict=True))


def _range(found: tuple[str, ...]) -> str:
    ordered = sorted(set(found), key=lambda number: float(number.replace(",", "")))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _names(recipes: list[tuple[str, float]]) -> str:
    named: dict[str, list[str]] = {}
    for strategy, gamma_rel in recipes:
        temperatures = named.setdefault(strategy_of(strategy).name, [])
        if gamma_rel == gamma_rel and gamma_rel != float("inf"):
            temperatures.append(f"{gamma_rel:g}")
    return "; ".join(
        f"{name}, γ/median {', '.join(temperatures)}" if temperatures else name for name, temperatures in named.items()
    )
