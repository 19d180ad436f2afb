"""What the card beside a label file states and the sweep file does not: prices, temperature, how frames were chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.selection_rule import selection_rule_of
from asteroid.io.sidecar import read_sidecar
from study.prices import LevelPrice

if TYPE_CHECKING:
    from asteroid.datasets.card import LevelCard
    from asteroid.labels.selection_rule import SelectionRule
    from study.config.label_files import LabelFile

#: Key of the sweep file -> key of the card, as the commands label and sample write it.
_KEYS = {
    "price": "price_cpu_s",
    "sampling_price": "sampling_price_cpu_s_per_frame",
    "temperature_k": "temperature_k",
}


@dataclass(frozen=True)
class PricedFile:
    """A label file of a sweep, where its price is from (unlabelled: sampling), and how its frames were chosen."""

    given: LabelFile
    source: str
    selection_rule: SelectionRule | None = None


def fill_from_card(given: LabelFile) -> PricedFile:
    """The description of a label file, completed by `<stem>.meta.json`; the sweep file comes first.

    Raises:
        InputError: the card has something else than a number there, or an unknown rule of selection.
    """
    card = read_sidecar(given.file) or {}
    found = {}
    for key, name in _KEYS.items():
        value = card.get(name)
        if value is None or getattr(given, key) is not None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} in {card['sidecar']} must be a number of at least 0, found {value!r}: correct it")
        found[key] = float(value)
    decisive = "sampling_price" if given.unlabelled else "price"
    source = str(card["sidecar"]) if decisive in found else "sweep file"
    return PricedFile(given.model_copy(update=found), source, selection_rule_of(given.file))


def price_on_card(card: LevelCard) -> LevelPrice:
    """The price of a level of a packaged set."""
    return LevelPrice(card.price_cpu_s, card.price_source, card.sampling_price_cpu_s)
