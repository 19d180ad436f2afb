"""What a purchase chooses from: geometries in the order in which they are bought, and cheap frames to pretrain on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.guards import refuse_leak
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.atom_order import refuse_other_molecule, refuse_other_sites
from asteroid.labels.label_set import LabelSet, hash_order
from asteroid.labels.matching import covers, match_geometries
from asteroid.labels.molecules import refuse_several
from asteroid.labels.splits import purchase_order
from study.data.card_lines import descriptor_lines
from study.data.card_prices import fill_from_card, price_on_card
from study.data.energies_alone import without_forces
from study.data.label_sources import load_file
from study.data.live_method import live_method
from study.data.several_molecules import refuse_models_of_one_molecule
from study.prices import LevelPrice, PriceList
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.label_set import IntArray
    from study.config.buying import BuyStudy
    from study.data.live_method import LiveMethod


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a purchase chooses from; the same in every round.

    Attributes:
        frames: geometries in the order of purchase, without labels; owned ones first.
        owned: labels of the first of them that are there already; energies and forces as `frames` is ordered.
        replay: labels of all `frames` where they are taken from a file, else None.
        hidden: labels that a replay keeps to judge the model by; empty elsewhere.
        cheap_at: cheap labels at `frames`, where they are known.
        hidden_cheap: cheap labels at `hidden`, likewise.
        cheap_pool: cheap frames to pretrain on; none of `frames` is among them.
        prices: price of each level.
        descriptors: how the molecule is described; None where no model needs it.
        temperature_k: of the sampling of the cheap frames, where it is declared.
        card: the data card as lines.
        notes: what the reader of a certificate must know of the labels, as sentences.
    """

    frames: LabelSet
    owned: LabelSet
    replay: LabelSet | None
    hidden: LabelSet
    cheap_at: LabelSet | None
    hidden_cheap: LabelSet | None
    cheap_pool: LabelSet
    prices: PriceList
    descriptors: DescriptorSettings | None
    temperature_k: float | None
    card: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_atoms(self) -> int:
        """Atoms of the molecule."""
        return int(self.frames.positions.shape[1])


@dataclass(frozen=True, eq=False)
class _Sources:
    """The files of a purchase, read."""

    cheap: LabelSet
    owned: LabelSet
    replay: LabelSet | None
    hidden: LabelSet
    prices: PriceList
    lines: tuple[str, ...]
    notes: tuple[str, ...]
    temperature_k: float | None
    atom_order: tuple[int, ...] | None


def load_candidates(study: BuyStudy) -> Candidates:
    """Read and check the files of a purchase, and put its geometries in order.

    Raises:
        InputError: labels are missing or broken, or the cheap frames do not suffice.
    """
    sources = _as_bought(study, _read_dataset(study) if study.data.dataset is not None else _read_files(study))
    cheap, owned = sources.cheap, sources.owned
    refuse_several_to_buy(cheap)
    refuse_models_of_one_molecule(study, owned, cheap)
    refuse_other_molecule(cheap, owned, sources.atom_order)
    pretrains = any(STRATEGIES[strategy].has_cheap_axis for strategy in study.strategies)
    labelled = [owned, *([sources.replay] if sources.replay is not None else []), sources.hidden]
    free = np.ones(len(cheap), dtype=np.bool_)
    for labels in labelled:
        free[match_geometries(labels, cheap)[1]] = False
    if sources.replay is not None and study.buy.replay is not None and cheap.group is not None:
        free &= ~np.isin(cheap.group, study.buy.replay.hidden_groups)
    free_rows = np.flatnonzero(free)
    if sources.replay is None:
        aside = _set_aside(study, cheap.select(free_rows), pretrains=pretrains)
        others = _geometries(cheap.select(free_rows[aside]), owned.level)
        cheap_rows = np.setdiff1d(free_rows, free_rows[aside])
    else:
        others, cheap_rows = _geometries(sources.replay, owned.level), free_rows
    cheap_pool = cheap.select(cheap_rows)
    refuse_leak(cheap_pool, sources.hidden, "cheap frames")
    frames = joined(_geometries(owned, owned.level), others)
    runs_cheap = any(STRATEGIES[strategy].runs_cheap_method for strategy in study.strategies)
    named = next((file.level for file in study.data.cheap_files), None)
    live = live_method(cheap.level, sources.prices.levels[cheap.level].label_cpu_s, named)
    cheap_at = _cheap_at(frames, cheap, live, required=runs_cheap)
    along = None if study.draw == "random" or cheap_at is None else cheap_at.energy
    n_owned = len(owned)
    order = np.concatenate(
        [
            hash_order(frames.select(np.arange(n_owned)), study.buy.seed),
            n_owned
            + purchase_order(
                frames.select(np.arange(n_owned, len(frames))),
                study.buy.seed,
                None if along is None else along[n_owned:],
            ),
        ]
    )
    descriptors = None
    if any(model.needs_descriptors for model in study.architectures):
        descriptors = study.descriptors.settings(frames)
        if descriptors.sites is not None:
            refuse_other_sites(cheap, frames, sources.atom_order)
    replay = None
    if sources.replay is not None:
        replay = joined(owned, sources.replay).select(order)
    return Candidates(
        frames=replace(frames.select(order), frame_id=np.arange(len(frames)), group=None),
        owned=owned.select(order[:n_owned]),
        replay=replay,
        hidden=sources.hidden,
        cheap_at=None if cheap_at is None else cheap_at.select(order),
        hidden_cheap=_cheap_at(sources.hidden, cheap, live, required=runs_cheap) if len(sources.hidden) else None,
        cheap_pool=cheap_pool,
        prices=sources.prices,
        descriptors=descriptors,
        temperature_k=sources.temperature_k,
        card=(
            *sources.lines,
            f"candidates: {len(frames):,} geometries in the order of purchase, {n_owned:,} of them labelled already; "
            f"{len(cheap_pool):,} cheap frames to pretrain on",
            f"drawn at random{'' if along is None else f', balanced along their {cheap.level} energy'}"
            + (f" ({cheap.level} labels are not known at all of them)" if cheap_at is None else ""),
            *descriptor_lines(descriptors, frames, cheap),
        ),
        notes=sources.notes,
    )


def _as_bought(study: BuyStudy, sources: _Sources) -> _Sources:
    """The labels without their forces, where energies alone are bought; hidden ones keep theirs to judge by."""
    if not study.energies_alone:
        return sources
    return replace(
        sources,
        owned=without_forces(sources.owned),
        replay=None if sources.replay is None else without_forces(sources.replay),
        hidden=sources.hidden if sources.hidden.forces is not None else without_forces(sources.hidden),
    )


def refuse_several_to_buy(frames: LabelSet) -> None:
    """Refuse cheap frames of several molecules.

    Raises:
        InputError: they are of several.
    """
    refuse_several(frames, "a purchase", "buy labels for one molecule at a time")


def _read_dataset(study: BuyStudy) -> _Sources:
    """The packaged set: its cheap frames, and its accurate labels where they are replayed."""
    dataset = load_methanol()
    accurate, cheap = dataset.accurate, dataset.cheap
    levels = {card.level: price_on_card(card) for card in (dataset.card.accurate, dataset.card.cheap)}
    section = study.buy.replay
    replay, hidden = (None, accurate.select([]))
    if section is not None and section.labels is None:
        replay, hidden = _without_hidden(accurate, section.hidden_groups)
    level = accurate.level if replay is not None else str(study.buy.level)
    prices = _priced(study, level, cheap.level, levels)
    owned = replace(accurate.select([]), level=level)
    return _Sources(
        cheap, owned, replay, hidden, prices, tuple(dataset.card.lines()), (), dataset.card.temperature_k, None
    )


def _read_files(study: BuyStudy) -> _Sources:
    data, buy = study.data, study.buy
    (given_cheap,) = data.cheap_files
    cheap_file = fill_from_card(given_cheap)
    cheap, cheap_price, lines, _ = load_file(cheap_file, data.prices)
    levels = {cheap.level: cheap_price}
    notes: list[str] = []
    owned = replay = None
    hidden: LabelSet | None = None
    if data.accurate is not None:
        given = data.accurate if buy.price is None else data.accurate.model_copy(update={"price": buy.price})
        file = fill_from_card(given)
        owned, levels_price, own_lines, _ = load_file(file, data.prices)
        lines = [*own_lines, *lines]
        levels[owned.level] = levels_price
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
        everything, price, own_lines, _ = load_file(file, data.prices)
        replay, hidden = _without_hidden(everything, buy.replay.hidden_groups)
        lines, levels[replay.level] = [*own_lines, *lines], price
    level = replay.level if replay is not None else (buy.level or (owned.level if owned is not None else ""))
    if owned is not None and owned.level != level:
        raise InputError(f"owned labels are of the level that is bought ({level}), found {owned.level}: correct one")
    if level == cheap.level:
        raise InputError(f"the two levels must differ, found {level} for both: correct 'level'")
    empty = LabelSet(cheap.numbers, cheap.positions[:0], np.empty(0), np.empty((0, *cheap.positions.shape[1:])), level)
    if owned is not None and replay is not None:
        taken = match_geometries(owned, replay)[1]
        replay = replay.select(np.setdiff1d(np.arange(len(replay)), taken))
    return _Sources(
        cheap,
        empty if owned is None else owned,
        replay,
        empty if hidden is None else hidden,
        _priced(study, level, cheap.level, levels),
        tuple(lines),
        tuple(notes),
        cheap_file.given.temperature_k,
        cheap_file.given.atom_order,
    )


def _priced(study: BuyStudy, accurate: str, cheap: str, levels: dict[str, LevelPrice]) -> PriceList:
    """Prices of both levels: the section's, then data.prices, then those of files and cards."""
    known = {level: price for level, price in levels.items() if level in (accurate, cheap)}
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


def _set_aside(study: BuyStudy, cheap: LabelSet, *, pretrains: bool) -> IntArray:
    """Rows of cheap frames whose geometries may be bought; enough is left for pretraining.

    Raises:
        InputError: the cheap frames do not suffice for both.
    """
    needed = max(study.n_cheap_of("")) if pretrains else 0
    n = min(study.buy.candidates, len(cheap) - needed)
    if n < 2 * study.buy.start:
        raise InputError(
            f"geometries to label are drawn from the cheap frames that pretraining leaves, found {len(cheap)} frames "
            f"and n_cheap {needed}: sample more, or lower n_cheap"
        )
    return np.sort(hash_order(cheap, study.buy.seed, "candidates")[:n])


def _cheap_at(frames: LabelSet, cheap: LabelSet, live: LiveMethod, *, required: bool) -> LabelSet | None:
    """Cheap labels at all geometries; None where some are unknown and no strategy needs them.

    Raises:
        InputError: a strategy needs them and they cannot be had.
    """
    if cheap.energy is None or cheap.forces is None:
        return None
    if not required and not covers(cheap, frames):
        return None
    return cheap_labels_at(frames, cheap, live.method, live.why_not)


def _geometries(labels: LabelSet, level: str) -> LabelSet:
    return LabelSet(labels.numbers, labels.positions, None, None, level)


def joined(first: LabelSet, second: LabelSet) -> LabelSet:
    """Both sets, one behind the other, with the level of the first; times are kept where both have them."""

    def both(name: str) -> object:
        values = getattr(first, name), getattr(second, name)
        return None if values[0] is None or values[1] is None else np.concatenate(values)

    return LabelSet(
        first.numbers,
        np.concatenate([first.positions, second.positions]),
        both("energy"),  # type: ignore[arg-type]
        both("forces"),  # type: ignore[arg-type]
        first.level,
        cpu_s=both("cpu_s") if len(first) else second.cpu_s,  # type: ignore[arg-type]
    )
