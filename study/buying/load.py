"""A purchase's files become what it chooses from, each geometry with the one use that it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.guards import refuse_leak
from asteroid.errors import InputError
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.atom_order import refuse_other_molecule, refuse_other_sites
from asteroid.labels.label_set import hash_order
from asteroid.labels.matching import covers, match_geometries
from asteroid.labels.molecules import refuse_several
from asteroid.labels.splits import purchase_order
from study.buying.candidates import Candidates, CheapFrames
from study.buying.geometries import geometries, in_no_labels, joined
from study.buying.level_between import card_line, geometries_between, intermediate_of
from study.buying.sources import read_sources
from study.data.card_lines import descriptor_lines
from study.data.load import is_paired
from study.data.several_molecules import refuse_models_of_one_molecule
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.label_set import FloatArray, IntArray, LabelSet
    from study.buying.sources import Sources
    from study.config.buying import BuyStudy
    from study.data.live_method import LiveMethod


def load_candidates(study: BuyStudy) -> Candidates:
    """Read and check the files of a purchase, and put its geometries in order.

    Raises:
        InputError: labels are missing or broken, or the cheap frames do not suffice.
    """
    sources = read_sources(study)
    _refuse_other_molecules(study, sources)
    first, owned = sources.cheap[0], sources.owned
    pretrains = any(STRATEGIES[strategy].has_cheap_axis for strategy in study.strategies)
    needed = max(study.n_cheap_of(first.level)) if pretrains else 0
    labelled = [owned, *([sources.replay] if sources.replay is not None else []), sources.hidden]
    free = in_no_labels(study, first.labels, labelled)
    between = geometries_between(study, sources, free, needed)
    free_rows = np.flatnonzero(free)
    if sources.replay is None:
        replayed = None
        aside = _set_aside(study, first.labels, free_rows, between, needed)
        others, cheap_rows = geometries(first.labels.select(aside), owned.level), np.setdiff1d(free_rows, aside)
    else:
        replayed = _replayed(study, sources.replay, between)
        others, cheap_rows = geometries(replayed, owned.level), free_rows
    frames = joined(geometries(owned, owned.level), others)
    taken = [*labelled, frames]
    more = (cheap.labels for cheap in sources.cheap[1:])
    others_free = (pool.select(np.flatnonzero(in_no_labels(study, pool, taken))) for pool in more)
    pools = [first.labels.select(cheap_rows), *others_free]
    for pool in pools:
        refuse_leak(pool, sources.hidden, "cheap frames")
        _refuse_too_few(study, pool, pretrains=pretrains)
    at = [_at(study, sources, place, frames) for place in range(len(sources.cheap))]
    along = None if study.draw == "random" or at[0][0] is None else at[0][0].energy
    order = _order(frames, len(owned), study.buy.seed, along)
    descriptors = _descriptors(study, sources, frames, between)
    return Candidates(
        frames=replace(frames.select(order), frame_id=np.arange(len(frames)), group=None),
        owned=owned.select(order[: len(owned)]),
        replay=None if replayed is None else joined(owned, replayed).select(order),
        hidden=sources.hidden,
        cheap=tuple(
            CheapFrames(pool, None if own is None else own.select(order), hidden, cheap.temperature_k)
            for pool, (own, hidden), cheap in zip(pools, at, sources.cheap, strict=True)
        ),
        intermediate=None if between is None else intermediate_of(study, sources, between),
        balanced=along is not None and len(owned) == 0,
        prices=sources.prices,
        descriptors=descriptors,
        card=(
            *sources.lines,
            _counts_line(frames, len(owned), pools, several=len(sources.lower_sets) > 1),
            *(() if between is None else (card_line(between, known=sources.intermediate is not None),)),
            f"drawn at random{'' if along is None else f', balanced along their {first.level} energy'}"
            + (f" ({first.level} labels are not known at all of them)" if at[0][0] is None else ""),
            *descriptor_lines(descriptors, frames, *sources.lower_sets),
        ),
        notes=sources.notes,
        electrons=sources.electrons,
    )


def refuse_several_to_buy(frames: LabelSet) -> None:
    """Refuse cheap frames of several molecules.

    Raises:
        InputError: they are of several.
    """
    refuse_several(frames, "a purchase", "buy labels for one molecule at a time")


def _refuse_other_molecules(study: BuyStudy, sources: Sources) -> None:
    """Refuse files of several molecules, or of another molecule than the accurate labels.

    Raises:
        InputError: they are.
    """
    refuse_several_to_buy(sources.cheap[0].labels)
    refuse_models_of_one_molecule(study, sources.owned, *sources.lower_sets)
    for cheap in sources.cheap:
        refuse_other_molecule(cheap.labels, sources.owned, cheap.atom_order)
    if sources.intermediate is not None:
        refuse_other_molecule(sources.intermediate, sources.owned, None)


def _set_aside(
    study: BuyStudy, cheap: LabelSet, free_rows: IntArray, between: LabelSet | None, needed: int
) -> IntArray:
    """Rows of cheap frames whose geometries may be bought; enough is left for pretraining.

    Raises:
        InputError: the cheap frames do not suffice for both.
    """
    rows = free_rows
    if between is not None:
        rows = np.setdiff1d(rows, match_geometries(between, cheap)[1])
    n = min(study.buy.candidates, len(rows) - needed)
    if n < 2 * study.buy.start:
        raise InputError(
            f"geometries to label are drawn from the cheap frames that pretraining leaves, found {len(rows)} frames "
            f"and n_cheap {needed}: sample more, or lower n_cheap"
        )
    return rows[np.sort(hash_order(cheap.select(rows), study.buy.seed, "candidates")[:n])]


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


def _at(study: BuyStudy, sources: Sources, place: int, frames: LabelSet) -> tuple[LabelSet | None, LabelSet | None]:
    """Labels of a cheap level at the candidates and at the hidden labels; of several levels a slow one has none."""
    cheap, hidden = sources.cheap[place], sources.hidden
    required = any(STRATEGIES[strategy].runs_cheap_method for strategy in study.strategies)
    if place:
        label_cpu_s = sources.prices.levels[cheap.level].label_cpu_s
        if not required or not all(is_paired(cheap.labels, own, label_cpu_s) for own in (frames, hidden)):
            return None, None
    live = sources.live_method(cheap)
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


def _order(frames: LabelSet, n_owned: int, seed: int, along: FloatArray | None) -> IntArray:
    """The order of purchase: labels owned come first, at random; the others balanced along their cheap energies."""
    owned, others = np.split(np.arange(len(frames)), [n_owned])
    bought = purchase_order(frames.select(others), seed, None if along is None else along[n_owned:])
    return np.concatenate([hash_order(frames.select(owned), seed), n_owned + bought])


def _descriptors(
    study: BuyStudy, sources: Sources, frames: LabelSet, between: LabelSet | None
) -> DescriptorSettings | None:
    """How the molecule is described; None where no model needs it.

    Raises:
        InputError: a level's frames have another order of atoms than the accurate labels.
    """
    if not any(model.needs_descriptors for model in study.architectures):
        return None
    descriptors = study.descriptors.settings(frames)
    if descriptors.sites is not None:
        for cheap in sources.cheap:
            refuse_other_sites(cheap.labels, frames, cheap.atom_order)
        if between is not None:
            refuse_other_sites(between, frames, None)
    return descriptors


def _counts_line(frames: LabelSet, n_owned: int, pools: list[LabelSet], *, several: bool) -> str:
    counted = " and ".join(f"{len(pool):,} {f'{pool.level} frames' if several else 'cheap frames'}" for pool in pools)
    return (
        f"candidates: {len(frames):,} geometries in the order of purchase, {n_owned:,} of them labelled already; "
        f"{counted} to pretrain on"
    )
