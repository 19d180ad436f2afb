"""The files of a purchase, read, checked and priced: levels below, labels owned, labels to replay and to judge by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.io.electrons import charge_and_spin
from asteroid.labels.charge_and_spin import CLOSED_SHELL, ChargeAndSpin
from asteroid.labels.label_set import LabelSet
from asteroid.labels.level_names import normalise_level
from asteroid.labels.matching import match_geometries
from study.data.card_prices import fill_from_card, price_on_card
from study.data.energies_alone import without_forces, without_wrong_energies
from study.data.label_sources import load_file
from study.data.live_method import live_method
from study.data.load import refuse_unknown_counts
from study.data.read import read_lower, refuse_other_electrons
from study.prices import LevelPrice, PriceList

if TYPE_CHECKING:
    from study.config.buying import BuyStudy
    from study.config.label_files import LabelFile
    from study.data.label_sources import LoadedFile
    from study.data.live_method import LiveMethod
    from study.data.read import LowerPart, ReadCheap


@dataclass(frozen=True, eq=False)
class Sources:
    """The files of a purchase, read.

    Attributes:
        cheap: levels whose frames geometries may be drawn from, and that are there in full; of a ladder the cheapest.
        intermediate: labels of the level between, where a ladder has a file of them.
        intermediate_level: the level between of a ladder; empty: none.
        owned: accurate labels that are there already.
        replay: labels to buy, where they are taken from a file.
        hidden: labels that a replay keeps to judge the model by.
        prices: of all levels.
        lines: the data card as lines.
        notes: what the reader of a certificate must know of the labels, as sentences.
        electrons: charge and spin of the molecule.
    """

    cheap: tuple[ReadCheap, ...]
    intermediate: LabelSet | None
    intermediate_level: str
    owned: LabelSet
    replay: LabelSet | None
    hidden: LabelSet
    prices: PriceList
    lines: tuple[str, ...]
    notes: tuple[str, ...]
    electrons: ChargeAndSpin = CLOSED_SHELL

    @property
    def lower_sets(self) -> list[LabelSet]:
        """Labels of all levels below that have a file."""
        return [*(cheap.labels for cheap in self.cheap), *([] if self.intermediate is None else [self.intermediate])]

    def live_method(self, cheap: ReadCheap) -> LiveMethod:
        """How labels of a cheap level are computed at other geometries, or why they are not."""
        return live_method(cheap.level, self.prices.levels[cheap.level].label_cpu_s, cheap.named, self.electrons)


def read_sources(study: BuyStudy) -> Sources:
    """Read the files of a purchase.

    Raises:
        InputError: labels are missing or broken, levels do not differ, or one has no price.
    """
    found = _read_dataset(study) if study.data.dataset is not None else _read_files(study)
    levels = [cheap.level for cheap in found.cheap]
    levels += [found.intermediate_level] if found.intermediate_level else []
    refuse_unknown_counts(study, levels)
    return _as_bought(study, found)


def no_labels(frames: LabelSet, level: str) -> LabelSet:
    """Labels of a level of none of some frames."""
    shape = frames.positions.shape[1:]
    return LabelSet(frames.numbers, frames.positions[:0], np.empty(0), np.empty((0, *shape)), level)


def _electrons(study: BuyStudy, stated: ChargeAndSpin | None) -> ChargeAndSpin:
    """Charge and spin of the molecule: what the section says that buys its labels, and label files if they state any.

    Raises:
        InputError: they differ.
    """
    section = study.buy.here or study.buy.hand_over
    if section is None:
        return stated or CLOSED_SHELL
    bought = ChargeAndSpin(section.charge, section.unpaired)
    if stated is not None and bought != stated:
        name = "here" if study.buy.here is not None else "hand_over"
        raise InputError(
            f"labels are bought of the molecule of the label files, which state {stated}, found {bought} under "
            f"'{name}': write charge: {stated.charge} and unpaired: {stated.unpaired} there"
        )
    return bought


def _as_bought(study: BuyStudy, sources: Sources) -> Sources:
    """The labels without their forces, where energies alone are bought; hidden ones keep theirs to judge by."""
    if not study.energies_alone:
        return sources
    return replace(
        sources,
        owned=without_forces(sources.owned),
        replay=None if sources.replay is None else without_forces(sources.replay),
        hidden=sources.hidden if sources.hidden.forces is not None else without_forces(sources.hidden),
    )


def _read_dataset(study: BuyStudy) -> Sources:
    """The packaged set: its cheap frames, and its accurate labels where they are replayed."""
    dataset = load_methanol()
    accurate = dataset.accurate
    parts = read_lower(study.data, study.data.cheap_entries or (dataset.cheap.level,), dataset)
    levels = {accurate.level: price_on_card(dataset.card.accurate)}
    section = study.buy.replay
    replay, hidden = (None, accurate.select([]))
    if section is not None and section.labels is None:
        replay, hidden = _without_hidden(accurate, section.hidden_groups)
    level = accurate.level if replay is not None else str(study.buy.level)
    lines = [*dataset.card.lines()]
    for part in parts:
        card = part.level_card
        lines += part.lines if card is None or card is dataset.card.cheap else card.lines()
    owned = replace(accurate.select([]), level=level)
    return _sources(study, parts, owned, replay, hidden, levels, lines, [])


def _read_files(study: BuyStudy) -> Sources:
    data, buy = study.data, study.buy
    parts = read_lower(data, data.cheap_files)
    cheap = parts[0].cheap.labels
    lines = [line for part in parts for line in part.lines]
    levels: dict[str, LevelPrice] = {}
    notes: list[str] = []
    owned = replay = None
    hidden: LabelSet | None = None
    stated = [part.electrons for part in parts]
    if data.accurate_file is not None:
        given = data.accurate_file
        file = fill_from_card(given if buy.price is None else given.model_copy(update={"price": buy.price}))
        own = load_file(file, data.prices)
        _refuse_other_electrons(own, parts, given)
        stated.append(own.electrons)
        owned, dropped = without_wrong_energies(own.labels, cheap, given, given.file.name)
        lines = [*own.card, *dropped, *lines]
        levels[owned.level] = own.price
        if file.selection_rule == "farthest":
            notes.append(
                "the labels owned at the start were chosen far from each other, not at random: their out-of-fold "
                "errors are those of unusual frames, and the certificate counts them as if they were drawn at random"
            )
        else:
            notes.append(
                f"{len(owned)} labels were owned at the start: the certificate takes them for a random draw from the "
                "same sampling as the cheap frames"
            )
    if buy.replay is not None and buy.replay.labels is not None:
        file = fill_from_card(buy.replay.labels)
        own = load_file(file, data.prices)
        _refuse_other_electrons(own, parts, buy.replay.labels)
        stated.append(own.electrons)
        everything, dropped = without_wrong_energies(own.labels, cheap, buy.replay.labels, buy.replay.labels.file.name)
        replay, hidden = _without_hidden(everything, buy.replay.hidden_groups)
        lines, levels[replay.level] = [*own.card, *dropped, *lines], own.price
    level = replay.level if replay is not None else (buy.level or (owned.level if owned is not None else ""))
    if owned is not None and owned.level != level:
        raise InputError(f"owned labels are of the level that is bought ({level}), found {owned.level}: correct one")
    empty = no_labels(cheap, level)
    if owned is not None and replay is not None:
        taken = match_geometries(owned, replay)[1]
        replay = replay.select(np.setdiff1d(np.arange(len(replay)), taken))
    owned, hidden = empty if owned is None else owned, empty if hidden is None else hidden
    found = _sources(study, parts, owned, replay, hidden, levels, lines, notes)
    return replace(found, electrons=_electrons(study, charge_and_spin(stated)))


def _refuse_other_electrons(own: LoadedFile, parts: list[LowerPart], given: LabelFile) -> None:
    for part in parts:
        refuse_other_electrons(own.electrons, part.electrons, given.file.name, part.cheap.source)


def _sources(
    study: BuyStudy,
    parts: list[LowerPart],
    owned: LabelSet,
    replay: LabelSet | None,
    hidden: LabelSet,
    prices: dict[str, LevelPrice],
    lines: list[str],
    notes: list[str],
) -> Sources:
    data, accurate = study.data, owned.level
    computed = data.computed_level
    levels = [accurate, *(part.cheap.level for part in parts), *([] if computed is None else [computed])]
    for level in levels:
        if levels.count(level) > 1:
            both = "the two levels must differ, found" if len(levels) == 2 else "levels must differ, found"
            raise InputError(f"{both} {level} for both: correct 'level'")
    top = data.levels[-1] if data.levels else None
    if isinstance(top, str) and normalise_level(top) != accurate:
        raise InputError(f"data.levels ends with the level that is bought, {accurate}, found {top}: correct one")
    known = prices | {part.cheap.level: part.price for part in parts}
    if computed is not None:
        known[computed] = LevelPrice(data.prices[computed], "study file")
    priced = _priced(study, levels, known)
    n_whole = 1 if data.is_ladder else len(parts)
    between = "" if not data.is_ladder else (computed or parts[1].cheap.level)
    return Sources(
        cheap=tuple(part.cheap for part in parts[:n_whole]),
        intermediate=parts[1].cheap.labels if data.is_ladder and computed is None else None,
        intermediate_level=between,
        owned=owned,
        replay=replay,
        hidden=hidden,
        prices=priced,
        lines=(*lines, *(_order_notes(priced, levels) if data.is_ladder else ())),
        notes=tuple(notes),
    )


def _order_notes(prices: PriceList, levels: list[str]) -> tuple[str, ...]:
    """What the data card says of a ladder whose prices do not rise."""
    accurate, *below = levels
    found = [(level, prices.levels[level].label_cpu_s) for level in (*below, accurate)]
    return tuple(
        f"note: a label of {lower} costs {low:,.4g} CPU s, one of {upper} above it on the ladder {high:,.4g}: check "
        "prices and the order of data.levels"
        for (lower, low), (upper, high) in pairwise(found)
        if low > high
    )


def _priced(study: BuyStudy, levels: list[str], known: dict[str, LevelPrice]) -> PriceList:
    """Prices of all levels, the accurate one first: the section's, then data.prices, then those of files and cards."""
    accurate, cheap = levels[:2]
    known = {level: price for level, price in known.items() if level in levels}
    if study.buy.price is not None:
        known[accurate] = LevelPrice(study.buy.price, "study file")
    if accurate not in known:
        raise InputError(f"labels of {accurate} have no price: add for instance price: 28s under 'buy'")
    prices = PriceList(accurate, cheap, known)
    for level, price_cpu_s in study.data.prices.items():
        prices = prices.override(level, price_cpu_s, "study file")
    return prices


def _without_hidden(labels: LabelSet, groups: tuple[int, ...]) -> tuple[LabelSet, LabelSet]:
    """Labels to buy, and those of the hidden groups."""
    if not groups:
        return labels, labels.select([])
    if labels.group is None:
        raise InputError(f"hidden groups need labels with groups, {labels.level} has none: add a group_key")
    is_hidden = np.isin(labels.group, groups)
    if not is_hidden.any() or is_hidden.all():
        raise InputError(f"hidden groups leave labels to buy and to judge by, found {list(groups)}: choose others")
    return labels.select(~is_hidden), labels.select(is_hidden)
