"""What a purchase chooses from: geometries in the order in which they are bought, and cheap frames to pretrain on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.guards import refuse_leak
from asteroid.errors import InputError
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.atom_order import refuse_other_molecule, refuse_other_sites
from asteroid.labels.label_set import LabelSet, hash_order
from asteroid.labels.matching import covers, match_geometries
from asteroid.labels.molecules import refuse_several
from asteroid.labels.splits import purchase_order
from study.buying.sources import read_sources
from study.data.card_lines import descriptor_lines
from study.data.live_method import live_method
from study.data.load import is_paired
from study.data.several_molecules import refuse_models_of_one_molecule
from study.recipes.lower_levels import BelowLevel
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.label_set import BoolArray, IntArray
    from study.buying.sources import Sources
    from study.config.buying import BuyStudy
    from study.data.live_method import LiveMethod
    from study.data.read import ReadCheap
    from study.prices import PriceList

#: Geometries of the level between that are kept for those that give no label: at least so many, and this share.
_SPARE, _SPARE_SHARE = 10, 0.1


@dataclass(frozen=True, eq=False)
class CheapFrames:
    """A level whose frames are there in full.

    Attributes:
        pool: frames to pretrain on; no candidate is among them.
        at: its labels at the candidates, where they are known.
        at_hidden: its labels at the hidden ones, likewise.
        temperature_k: of the sampling, where it is declared.
    """

    pool: LabelSet
    at: LabelSet | None
    at_hidden: LabelSet | None
    temperature_k: float | None

    @property
    def level(self) -> str:
        """The level."""
        return self.pool.level


@dataclass(frozen=True, eq=False)
class Intermediate:
    """Labels of the level between of a ladder, which are bought as they are needed.

    Attributes:
        frames: geometries in the order of purchase, without labels; none of them is a candidate or hidden.
        known: labels of them all, where a file has them; None: they are computed.
        cheap_at: labels of the cheapest level at them, where a strategy needs these.
    """

    frames: LabelSet
    known: LabelSet | None
    cheap_at: LabelSet | None

    @property
    def level(self) -> str:
        """The level."""
        return self.frames.level


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a purchase chooses from; the same in every round.

    Attributes:
        frames: geometries in the order of purchase, without labels; owned ones first.
        owned: labels of the first of them that are there already; energies and forces as `frames` is ordered.
        replay: labels of all `frames` where they are taken from a file, else None.
        hidden: labels that a replay keeps to judge the model by; empty elsewhere.
        cheap: levels below whose frames are there in full; of a ladder the cheapest.
        intermediate: the level between of a ladder; None: there is none.
        balanced: whether every beginning of `frames` is balanced along its cheap energies; not where labels were owned.
        prices: price of each level.
        descriptors: how the molecule is described; None where no model needs it.
        card: the data card as lines.
        notes: what the reader of a certificate must know of the labels, as sentences.
    """

    frames: LabelSet
    owned: LabelSet
    replay: LabelSet | None
    hidden: LabelSet
    cheap: tuple[CheapFrames, ...]
    intermediate: Intermediate | None
    balanced: bool
    prices: PriceList
    descriptors: DescriptorSettings | None
    card: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_atoms(self) -> int:
        """Atoms of the molecule."""
        return int(self.frames.positions.shape[1])

    @property
    def cheap_at(self) -> LabelSet | None:
        """Labels of the first cheap level at the candidates: what draws, guards and controls go by."""
        return self.cheap[0].at

    @property
    def below(self) -> tuple[BelowLevel, ...]:
        """The levels below the accurate one, of a ladder the cheapest first."""
        between = () if self.intermediate is None else (BelowLevel(self.intermediate.level, is_paired=False),)
        return (*(BelowLevel(own.level, own.at is not None) for own in self.cheap), *between)

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels, the accurate one first."""
        return (self.frames.level, *(own.level for own in self.below))


def load_candidates(study: BuyStudy) -> Candidates:
    """Read and check the files of a purchase, and put its geometries in order.

    Raises:
        InputError: labels are missing or broken, or the cheap frames do not suffice.
    """
    sources = read_sources(study)
    first, owned = sources.cheap[0], sources.owned
    sets = [cheap.labels for cheap in sources.cheap]
    sets += [sources.intermediate] if sources.intermediate is not None else []
    refuse_several_to_buy(first.labels)
    refuse_models_of_one_molecule(study, owned, *sets)
    for cheap in sources.cheap:
        refuse_other_molecule(cheap.labels, owned, cheap.atom_order)
    if sources.intermediate is not None:
        refuse_other_molecule(sources.intermediate, owned, None)
    pretrains = any(STRATEGIES[strategy].has_cheap_axis for strategy in study.strategies)
    needed = max(study.n_cheap_of(first.level)) if pretrains else 0
    labelled = [owned, *([sources.replay] if sources.replay is not None else []), sources.hidden]
    free = _free(study, first.labels, labelled)
    between = _between(study, sources, free, needed)
    free_rows = np.flatnonzero(free)
    if sources.replay is None:
        buyable = free_rows
        if between is not None:
            buyable = np.setdiff1d(free_rows, match_geometries(between, first.labels)[1])
        aside = buyable[_set_aside(study, first.labels.select(buyable), needed)]
        others, cheap_rows = _geometries(first.labels.select(aside), owned.level), np.setdiff1d(free_rows, aside)
        replayed = None
    else:
        replayed = _replayed(study, sources.replay, between)
        others, cheap_rows = _geometries(replayed, owned.level), free_rows
    frames = joined(_geometries(owned, owned.level), others)
    pools = [first.labels.select(cheap_rows)]
    for cheap in sources.cheap[1:]:
        rows = np.flatnonzero(_free(study, cheap.labels, [*labelled, frames]))
        pools.append(cheap.labels.select(rows))
    for pool in pools:
        refuse_leak(pool, sources.hidden, "cheap frames")
        _refuse_too_few(study, pool, pretrains=pretrains)
    at = [_at(study, sources, place, frames) for place in range(len(sources.cheap))]
    along = None if study.draw == "random" or at[0][0] is None else at[0][0].energy
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
            for cheap in sources.cheap:
                refuse_other_sites(cheap.labels, frames, cheap.atom_order)
            if between is not None:
                refuse_other_sites(between, frames, None)
    names = [f"{pool.level} frames" if len(sets) > 1 else "cheap frames" for pool in pools]
    counted = " and ".join(f"{len(pool):,} {name}" for pool, name in zip(pools, names, strict=True))
    return Candidates(
        frames=replace(frames.select(order), frame_id=np.arange(len(frames)), group=None),
        owned=owned.select(order[:n_owned]),
        replay=None if replayed is None else joined(owned, replayed).select(order),
        hidden=sources.hidden,
        cheap=tuple(
            CheapFrames(pool, None if own is None else own.select(order), hidden, cheap.temperature_k)
            for pool, (own, hidden), cheap in zip(pools, at, sources.cheap, strict=True)
        ),
        intermediate=None if between is None else _intermediate(study, sources, between),
        balanced=along is not None and n_owned == 0,
        prices=sources.prices,
        descriptors=descriptors,
        card=(
            *sources.lines,
            f"candidates: {len(frames):,} geometries in the order of purchase, {n_owned:,} of them labelled already; "
            f"{counted} to pretrain on",
            *(() if between is None else (_between_line(between, known=sources.intermediate is not None),)),
            f"drawn at random{'' if along is None else f', balanced along their {first.level} energy'}"
            + (f" ({first.level} labels are not known at all of them)" if at[0][0] is None else ""),
            *descriptor_lines(descriptors, frames, *sets),
        ),
        notes=sources.notes,
    )


def refuse_several_to_buy(frames: LabelSet) -> None:
    """Refuse cheap frames of several molecules.

    Raises:
        InputError: they are of several.
    """
    refuse_several(frames, "a purchase", "buy labels for one molecule at a time")


def _free(study: BuyStudy, cheap: LabelSet, labelled: list[LabelSet]) -> BoolArray:
    """Cheap frames without the geometries of some labels, nor those of hidden groups."""
    free = np.ones(len(cheap), dtype=np.bool_)
    for labels in labelled:
        free[match_geometries(labels, cheap)[1]] = False
    if study.buy.replay is not None and cheap.group is not None:
        free &= ~np.isin(cheap.group, study.buy.replay.hidden_groups)
    return free


def _set_aside(study: BuyStudy, cheap: LabelSet, needed: int) -> IntArray:
    """Rows of cheap frames whose geometries may be bought; enough is left for pretraining.

    Raises:
        InputError: the cheap frames do not suffice for both.
    """
    n = min(study.buy.candidates, len(cheap) - needed)
    if n < 2 * study.buy.start:
        raise InputError(
            f"geometries to label are drawn from the cheap frames that pretraining leaves, found {len(cheap)} frames "
            f"and n_cheap {needed}: sample more, or lower n_cheap"
        )
    return np.sort(hash_order(cheap, study.buy.seed, "candidates")[:n])


def _refuse_too_few(study: BuyStudy, pool: LabelSet, *, pretrains: bool) -> None:
    """Refuse a number of frames that is larger than what there is, before anything is bought.

    Raises:
        InputError: it is.
    """
    most = max(study.n_cheap_of(pool.level), default=0) if pretrains else 0
    if most > len(pool):
        key = f"n_cheap.{pool.level}" if isinstance(study.n_cheap, dict) else "n_cheap"
        raise InputError(
            f"{key}: {most} is larger than the {pool.level} pool: the largest possible is {len(pool)} (frames that may "
            "be bought or judge the model are left out)"
        )


def _between(study: BuyStudy, sources: Sources, free: BoolArray, needed: int) -> LabelSet | None:
    """Geometries of the level between in the order of purchase, with labels where they are known; None: no ladder.

    They are kept apart from those that may be labelled accurately, so that no label of this level lies at a geometry
    that a model is scored on.

    Raises:
        InputError: there are too few.
    """
    level = sources.intermediate_level
    if not level:
        return None
    most = max(study.n_cheap_of(level), default=0)
    known = sources.intermediate
    if known is not None:
        taken = [own for own in (sources.owned, sources.hidden) if len(own)]
        frames = known.select(np.flatnonzero(_free(study, known, taken)))
        spare = 0
    else:
        spare = max(_SPARE, round(_SPARE_SHARE * most))
        first = sources.cheap[0].labels
        frames = _geometries(first.select(np.flatnonzero(free)), level)
    left = len(frames) - (0 if known is not None else needed + 2 * study.buy.start)
    if left < most + spare:
        raise InputError(
            f"n_cheap.{level}: {most} labels need as many geometries apart from those that are owned, hidden or "
            f"pretrained on, found {max(left, 0)}: lower it, or give more frames"
        )
    return frames.select(hash_order(frames, study.buy.seed)[: most + spare])


def _replayed(study: BuyStudy, replay: LabelSet, between: LabelSet | None) -> LabelSet:
    """Labels to buy, without the geometries of the level between.

    Raises:
        InputError: too few are left.
    """
    if between is None:
        return replay
    rows = np.setdiff1d(np.arange(len(replay)), match_geometries(between, replay)[1])
    if len(rows) < 2 * study.buy.start:
        raise InputError(
            f"labels of {between.level} are kept apart from the geometries that may be bought, which leaves "
            f"{len(rows)} of {len(replay)}: lower n_cheap.{between.level}, or replay more labels"
        )
    return replay.select(rows)


def _intermediate(study: BuyStudy, sources: Sources, between: LabelSet) -> Intermediate:
    frames = replace(_geometries(between, between.level), frame_id=np.arange(len(between)))
    cheap, cheap_at = sources.cheap[0], None
    if any(STRATEGIES[slug].has_intermediate_axis and STRATEGIES[slug].runs_cheap_method for slug in study.strategies):
        cheap_at = cheap_labels_at(frames, cheap.labels, *_live(sources, cheap))
    return Intermediate(frames, None if sources.intermediate is None else between, cheap_at)


def _between_line(between: LabelSet, *, known: bool) -> str:
    where = "in the file" if known else "computed as they are needed"
    return (
        f"{between.level}: {len(between):,} geometries apart from these; labels are {where}, and paid for when bought"
    )


def _live(sources: Sources, cheap: ReadCheap) -> LiveMethod:
    return live_method(cheap.level, sources.prices.levels[cheap.level].label_cpu_s, cheap.named)


def _at(study: BuyStudy, sources: Sources, place: int, frames: LabelSet) -> tuple[LabelSet | None, LabelSet | None]:
    """Labels of a cheap level at the candidates and at the hidden labels; of several levels a slow one has none."""
    cheap, hidden = sources.cheap[place], sources.hidden
    required = any(STRATEGIES[strategy].runs_cheap_method for strategy in study.strategies)
    if place:
        label_cpu_s = sources.prices.levels[cheap.level].label_cpu_s
        if not required or not all(is_paired(cheap.labels, own, label_cpu_s) for own in (frames, hidden)):
            return None, None
    live = _live(sources, cheap)
    at = _cheap_at(frames, cheap.labels, live, required=required)
    return at, _cheap_at(hidden, cheap.labels, live, required=required) if len(hidden) else None


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
