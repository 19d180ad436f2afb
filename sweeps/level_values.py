"""Values of options that name a level of theory: prices, LEVEL=SECONDS, and labels owned, LEVEL=NUMBER."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from study.prices import PriceList


def priced(listed: dict[str, Any], overrides: Sequence[str]) -> PriceList:
    """The prices of a run with those of the command line, LEVEL=SECONDS.

    Raises:
        InputError: not of that form, no such level, or no such unit of time.
    """
    from asteroid.labels.level_names import normalise_level
    from asteroid.units import parse_seconds
    from study.prices import PriceList

    prices = PriceList.from_json(listed)
    for override in overrides:
        level, equals, seconds = override.partition("=")
        if not equals:
            raise InputError(f"a price is LEVEL=SECONDS, found {override!r}: write for instance ccsd_t/cc-pvdz=28s")
        prices = prices.override(normalise_level(level), parse_seconds(seconds), "command line")
    return prices


def owned(words: Sequence[str]) -> dict[str, int]:
    """Numbers of labels that are there already, LEVEL=NUMBER.

    Raises:
        InputError: not of that form.
    """
    from asteroid.labels.level_names import normalise_level

    numbers = {}
    for word in words:
        level, equals, number = word.partition("=")
        digits = number.replace(",", "").strip()
        if not equals or not digits.isdigit():
            raise InputError(f"labels owned are LEVEL=NUMBER, found {word!r}: write for instance ccsd_t/cc-pvdz=120")
        numbers[normalise_level(level)] = int(digits)
    return numbers
