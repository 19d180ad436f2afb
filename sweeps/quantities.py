"""What arguments may be: numbers in the units of inside, or text with a unit, as on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from study.prices import PriceList

    #: A file or folder.
    FilePath = str | PathLike[str]
    #: An error of forces: eV/Å, or text with its unit.
    Force = str | float
    #: CPU time: seconds, or text with its unit.
    Seconds = str | float

FORCE_UNIT = "kcal/mol/Å"


def force_ev_ang(value: Force) -> float:
    """An error in eV/Å.

    Raises:
        InputError: text without a number or a known unit, or a value that is not positive.
    """
    from asteroid.units import parse_force

    return parse_force(value if isinstance(value, str) else f"{value!r} eV/A")


def cpu_s(value: Seconds) -> float:
    """CPU time in seconds.

    Raises:
        InputError: text without a number or a known unit, or a negative value.
    """
    from asteroid.units import parse_seconds

    return parse_seconds(seconds_text(value))


def seconds_text(value: Seconds) -> str:
    """CPU time as it is typed."""
    return value if isinstance(value, str) else f"{float(value)!r}s"


def display_unit(unit: str) -> str:
    """A unit of forces as it is shown: "meV/A" becomes "meV/Å"."""
    return f"{unit[:-2]}/Å" if unit.endswith("/A") else unit


def priced(listed: dict[str, Any], given: Mapping[str, Seconds] | None) -> PriceList:
    """The prices of a run, with those that the user gives in their place.

    Args:
        listed: prices of a manifest or a certificate.
        given: price of one label, by level.

    Raises:
        InputError: no such level, or no such unit of time.
    """
    from asteroid.labels.level_names import normalise_level
    from study.prices import PriceList

    prices = PriceList.from_json(listed)
    for level, price in (given or {}).items():
        prices = prices.override(normalise_level(level), cpu_s(price), "given")
    return prices


def price_words(given: Mapping[str, Seconds] | None) -> list[str]:
    """Prices as the options of a command have them, LEVEL=SECONDS."""
    return [f"{level}={seconds_text(price)}" for level, price in (given or {}).items()]
