"""Values of options that name a level of theory: prices, LEVEL=TIME, and labels owned, LEVEL=NUMBER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def prices(words: Sequence[str] | None) -> dict[str, str]:
    """Prices of labels by level, LEVEL=TIME.

    Raises:
        InputError: not of that form.
    """
    found = {}
    for word in words or ():
        level, equals, seconds = word.partition("=")
        if not equals:
            raise InputError(f"a price is LEVEL=TIME, found {word!r}: write for instance ccsd_t/cc-pvdz=28s")
        found[level] = seconds
    return found


def owned(words: Sequence[str] | None) -> dict[str, int]:
    """Numbers of labels that are there already, LEVEL=NUMBER.

    Raises:
        InputError: not of that form.
    """
    numbers = {}
    for word in words or ():
        level, equals, number = word.partition("=")
        digits = number.replace(",", "").strip()
        if not equals or not digits.isdigit():
            raise InputError(f"labels owned are LEVEL=NUMBER, found {word!r}: write for instance ccsd_t/cc-pvdz=120")
        numbers[level] = int(digits)
    return numbers
