"""The labels that the data section of a sweep names, read and checked, with what is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asteroid.checks.data_card import label_card
from asteroid.checks.guards import check_labels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from study.data.card_prices import fill_from_card
from study.data.label_sources import load_file
from study.prices import LevelPrice

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet
    from study.config.label_files import DataSection


@dataclass(frozen=True, eq=False)
class ReadLabels:
    """Labels of both levels before they have roles.

    Attributes:
        accurate: all accurate labels.
        cheap: all cheap frames.
        prices: of both levels, by level, as their files or cards say.
        lines: the data card as lines.
        card_json: the same as plain data.
        temperature_k: temperature at which the cheap frames were sampled, where it is declared.
        atom_order: declared order of the cheap frames' atoms, or None.
        sampling_is_priced: whether sampling a cheap frame has a price.
    """

    accurate: LabelSet
    cheap: LabelSet
    prices: dict[str, LevelPrice]
    lines: tuple[str, ...]
    card_json: dict[str, Any]
    temperature_k: float | None
    atom_order: tuple[int, ...] | None = None
    sampling_is_priced: bool = True

    def is_farthest(self, level: str) -> bool:
        """Whether the frames of a level were chosen far from each other, hence not at random."""
        return bool(self.card_json.get("selection_rules", {}).get(level) == "farthest")


def read_section(section: DataSection) -> ReadLabels:
    """Read the packaged set or the two files of a sweep.

    Raises:
        InputError: labels are missing or broken.
    """
    return _read_files(section) if section.dataset is None else _read_dataset(section.dataset)


def _read_dataset(name: str) -> ReadLabels:
    dataset = load_methanol()
    cards = [
        label_card(labels, name, check_labels(labels, f"{name} {labels.level}"))
        for labels in (dataset.accurate, dataset.cheap)
    ]
    levels = {
        card.level: LevelPrice(card.price_cpu_s, card.price_source, card.sampling_price_cpu_s)
        for card in (dataset.card.accurate, dataset.card.cheap)
    }
    return ReadLabels(
        accurate=dataset.accurate,
        cheap=dataset.cheap,
        prices=levels,
        lines=(
            *dataset.card.lines(),
            *(line for card in cards for line in (f"{card.level}, checked:", *card.lines(groups=False))),
        ),
        card_json={**dataset.card.to_json(), "checked": [card.to_json() for card in cards]},
        temperature_k=dataset.card.temperature_k,
    )


def _read_files(section: DataSection) -> ReadLabels:
    assert section.accurate is not None
    assert section.cheap is not None
    accurate_file, cheap_file = fill_from_card(section.accurate), fill_from_card(section.cheap)
    accurate, accurate_price, accurate_lines, accurate_json = load_file(accurate_file, section.prices)
    cheap, cheap_price, cheap_lines, cheap_json = load_file(cheap_file, section.prices)
    if accurate.level == cheap.level:
        raise InputError(f"the two levels must differ, found {accurate.level} in both files: correct 'level'")
    rules = {accurate.level: accurate_file.selection_rule, cheap.level: cheap_file.selection_rule}
    lines = [*accurate_lines, *cheap_lines]
    return ReadLabels(
        accurate=accurate,
        cheap=cheap,
        prices={accurate.level: accurate_price, cheap.level: cheap_price},
        lines=tuple(lines),
        card_json={
            "files": [str(file.given.file) for file in (accurate_file, cheap_file)],
            "selection_rules": {level: rule for level, rule in rules.items() if rule is not None},
            "checked": [accurate_json, cheap_json],
            "lines": lines,
        },
        temperature_k=cheap_file.given.temperature_k,
        atom_order=cheap_file.given.atom_order,
        sampling_is_priced=cheap_file.given.sampling_price is not None,
    )
