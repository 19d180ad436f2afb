"""The labels that the data section of a sweep names, read and checked, with what is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from asteroid.checks.data_card import label_card
from asteroid.checks.guards import check_labels
from asteroid.datasets import MP2_LEVEL, load_methanol, load_methanol_mp2
from asteroid.errors import InputError
from asteroid.io.electrons import charge_and_spin
from asteroid.labels.charge_and_spin import CLOSED_SHELL, ChargeAndSpin
from asteroid.labels.level_names import normalise_level
from study.data.card_prices import fill_from_card, price_on_card
from study.data.label_sources import load_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.datasets import Dataset
    from asteroid.datasets.card import LevelCard
    from asteroid.io.electrons import Electrons
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule
    from study.config.label_files import DataSection, LabelFile
    from study.data.card_prices import PricedFile
    from study.prices import LevelPrice


@dataclass(frozen=True, eq=False)
class ReadCheap:
    """Labels of one level below the accurate one before they have roles.

    Attributes:
        labels: all its frames.
        temperature_k: temperature at which they were sampled, where it is declared.
        atom_order: declared order of their atoms, or None.
        sampling_is_priced: whether sampling a frame has a price.
        named: the level that the study's file names for them, or None.
        source: where they are from, for messages.
    """

    labels: LabelSet
    temperature_k: float | None = None
    atom_order: tuple[int, ...] | None = None
    sampling_is_priced: bool = True
    named: str | None = None
    source: str = ""

    @property
    def level(self) -> str:
        """The level."""
        return self.labels.level


@dataclass(frozen=True, eq=False)
class ReadLabels:
    """Labels of all levels before they have roles.

    Attributes:
        accurate: all accurate labels.
        accurate_source: where they are from, for messages.
        cheap: the levels below, cheapest first where they are a ladder.
        prices: by level, as their files or cards say.
        lines: the data card as lines.
        card_json: the same as plain data.
        electrons: charge and spin of the molecule, as the files state them.
    """

    accurate: LabelSet
    accurate_source: str
    cheap: tuple[ReadCheap, ...]
    prices: dict[str, LevelPrice]
    lines: tuple[str, ...]
    card_json: dict[str, Any]
    electrons: ChargeAndSpin = CLOSED_SHELL

    def is_farthest(self, level: str) -> bool:
        """Whether the frames of a level were chosen far from each other, hence not at random."""
        return bool(self.card_json.get("selection_rules", {}).get(level) == "farthest")


def read_section(section: DataSection) -> ReadLabels:
    """Read the packaged set or the files of a sweep.

    Raises:
        InputError: labels are missing or broken, or two files are of one level.
    """
    read = _read_files(section) if section.dataset is None else _read_dataset(section.dataset, section)
    levels = [read.accurate.level, *(cheap.level for cheap in read.cheap)]
    for level in levels:
        if levels.count(level) > 1:
            raise InputError(f"the levels must differ, found {level} in both files: correct 'level'")
    return read


def _read_dataset(name: str, section: DataSection) -> ReadLabels:
    dataset = load_methanol()
    top = section.levels[-1] if section.levels else dataset.accurate.level
    if not isinstance(top, str) or normalise_level(top) != dataset.accurate.level:
        raise InputError(f"the accurate level of {name} is {dataset.accurate.level}: name it last under data.levels")
    found = read_lower(section, section.cheap_entries or (dataset.cheap.level,), dataset)
    own = [part.cheap.labels for part in found if part.level_card is not None]
    cards = [
        label_card(labels, name, check_labels(labels, f"{name} {labels.level}")) for labels in (dataset.accurate, *own)
    ]
    lines = [*dataset.card.lines()]
    for part in found:
        if part.level_card is not None and part.level_card is not dataset.card.cheap:
            lines += part.level_card.lines()
    lines += [line for card in cards for line in (f"{card.level}, checked:", *card.lines(groups=False))]
    lines += [line for part in found for line in part.lines]
    rules = {part.cheap.level: part.selection_rule for part in found if part.selection_rule is not None}
    return ReadLabels(
        accurate=dataset.accurate,
        accurate_source=dataset.accurate.level,
        cheap=tuple(part.cheap for part in found),
        prices={dataset.accurate.level: price_on_card(dataset.card.accurate)} | {p.cheap.level: p.price for p in found},
        lines=tuple(lines),
        card_json={
            **dataset.card.to_json(),
            "checked": [*(card.to_json() for card in cards), *(p.card_json for p in found if p.level_card is None)],
            **({"selection_rules": rules} if rules else {}),
        },
    )


def read_lower(
    section: DataSection, entries: Sequence[LabelFile | str], dataset: Dataset | None = None
) -> list[LowerPart]:
    """Read levels below the accurate one: files, or levels of a packaged set by name.

    Raises:
        InputError: labels are missing or broken, or the set has no such level.
    """
    found = []
    for entry in entries:
        if isinstance(entry, str):
            assert dataset is not None
            found.append(_packaged_level(dataset, entry))
        else:
            found.append(_level_of_file(fill_from_card(entry), entry, section))
    return found


class LowerPart(NamedTuple):
    """One level below the accurate one, as it was read.

    Attributes:
        cheap: its frames.
        price: of them.
        lines: what is to be said of a file.
        card_json: the same as plain data.
        level_card: the card of a packaged level; None for a file.
        selection_rule: how a file says that its frames were chosen, or None.
        electrons: charge and spin that a file states, or None.
    """

    cheap: ReadCheap
    price: LevelPrice
    lines: list[str]
    card_json: dict[str, Any] | None
    level_card: LevelCard | None
    selection_rule: SelectionRule | None = None
    electrons: Electrons | None = None


def refuse_other_electrons(one: Electrons | None, other: Electrons | None, source: str, other_source: str) -> None:
    """Refuse files of two levels that state different charges or spins: they are of two molecules.

    Raises:
        InputError: they do.
    """
    if one is None or other is None:
        return
    charges = {electrons.charge for electrons in (one, other) if electrons.charge is not None}
    charge = max(charges, default=0)
    spins = {electrons.unpaired(charge) for electrons in (one, other)} - {None}
    if len(charges) > 1 or len(spins) > 1:
        raise InputError(
            f"levels must be of one molecule, found {one} in {source} and {other} in {other_source}: name the files of "
            "one charge and spin, or correct what they state"
        )


def _packaged_level(dataset: Dataset, name: str) -> LowerPart:
    level = normalise_level(name)
    if level == dataset.cheap.level:
        labels, card = dataset.cheap, dataset.card.cheap
    elif level == MP2_LEVEL:
        labels, card = load_methanol_mp2()
    else:
        raise InputError(
            f"below {dataset.accurate.level}, {dataset.name} has {dataset.cheap.level} and {MP2_LEVEL}, found {level}: "
            "name one of them"
        )
    return LowerPart(ReadCheap(labels, dataset.card.temperature_k, source=level), price_on_card(card), [], None, card)


def _level_of_file(file: PricedFile, given: LabelFile, section: DataSection) -> LowerPart:
    loaded = load_file(file, section.prices)
    cheap = ReadCheap(
        loaded.labels,
        file.given.temperature_k,
        file.given.atom_order,
        sampling_is_priced=file.given.sampling_price is not None,
        named=given.level,
        source=given.file.name,
    )
    return LowerPart(cheap, loaded.price, loaded.card, loaded.card_json, None, file.selection_rule, loaded.electrons)


def _read_files(section: DataSection) -> ReadLabels:
    assert section.accurate_file is not None
    files = [fill_from_card(file) for file in (section.accurate_file, *section.cheap_files)]
    accurate = load_file(files[0], section.prices)
    found = [_level_of_file(file, given, section) for file, given in zip(files[1:], section.cheap_files, strict=True)]
    for part in found:
        refuse_other_electrons(accurate.electrons, part.electrons, files[0].given.file.name, part.cheap.source)
    lines = [*accurate.card, *(line for part in found for line in part.lines)]
    levels = [accurate.labels.level, *(part.cheap.level for part in found)]
    rules = {level: file.selection_rule for level, file in zip(levels, files, strict=True)}
    return ReadLabels(
        accurate=accurate.labels,
        accurate_source=section.accurate_file.file.name,
        cheap=tuple(part.cheap for part in found),
        prices={accurate.labels.level: accurate.price} | {part.cheap.level: part.price for part in found},
        lines=tuple(lines),
        card_json={
            "files": [str(file.given.file) for file in files],
            "selection_rules": {level: rule for level, rule in rules.items() if rule is not None},
            "checked": [accurate.card_json, *(part.card_json for part in found)],
            "lines": lines,
        },
        electrons=charge_and_spin([accurate.electrons, *(part.electrons for part in found)]) or CLOSED_SHELL,
    )
