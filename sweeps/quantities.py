"""What arguments may be: numbers in the units of inside, or text with a unit, as on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from asteroid.measured_errors import Measured
    from study.prices import PriceList

    #: A file or folder.
    FilePath = str | PathLike[str]
    #: An error to meet: of forces in eV/Å, or text with its unit, of forces or of energies.
    Target = str | float
    #: CPU time: seconds, or text with its unit.
    Seconds = str | float

FORCE_UNIT = "kcal/mol/Å"


def target_error(value: Target) -> tuple[float, Measured]:
    """An error to meet in eV/Å, in eV or in eV per atom, and what it is of.

    Raises:
        InputError: text without a number or a known unit, or a value that is not positive.
    """
    from asteroid.measured_errors import parse_error

    return parse_error(value if isinstance(value, str) else f"{value!r} eV/A")


def asked_for(target: Target | None, force_unit: str) -> tuple[float | None, Measured, str]:
    """A target that may be missing, what the errors are of, and the unit that they are shown in.

    A target says what is asked about; without one, the unit does.

    Raises:
        InputError: the target or the unit cannot be used.
    """
    from asteroid.measured_errors import measured_in, unit_to_show

    unit = display_unit(force_unit)
    if target is None:
        return None, measured_in(unit), unit
    value, measured = target_error(target)
    return value, measured, unit_to_show(measured, unit)


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


def probability(value: str | float) -> float:
    """A probability as people write it: 0.95 or 95%.

    Raises:
        ValueError: it is no number.
    """
    text = str(value).strip()
    return float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)


def display_unit(unit: str) -> str:
    """A unit of errors as it is shown: "meV/A" becomes "meV/Å"."""
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
    """Prices as the options of a command have them, LEVEL=TIME."""
    return [f"{level}={seconds_text(price)}" for level, price in (given or {}).items()]
