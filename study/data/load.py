"""From the data section of a sweep to labels with roles: test, pool and cheap pool, every guard passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.checks.data_card import label_card
from asteroid.checks.guards import check_labels, refuse_leak
from asteroid.datasets import load_methanol
from asteroid.descriptors.probes import refuse_too_many_probes
from asteroid.errors import InputError
from asteroid.labelling.cheap_methods import cheap_method, why_not
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.atom_order import refuse_other_molecule, refuse_other_sites
from asteroid.labels.molecules import formulas, rows_by_formula
from asteroid.labels.selection_rule import FARTHEST_TEST_NOTE
from asteroid.labels.sites import broken_frames
from asteroid.labels.splits import cheap_pool_rows, split_test
from study.data.card_prices import fill_from_card
from study.data.label_sources import load_file
from study.data.several_molecules import molecule_notes, refuse_models_of_one_molecule
from study.prices import LevelPrice, PriceList
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.label_set import IntArray, LabelSet
    from study.config.label_files import DataSection, TestSection
    from study.config.sweep import Sweep


@dataclass(frozen=True, eq=False)
class StudyData:
    """The labels of a study by role.

    Attributes:
        accurate: all accurate labels.
        test: accurate labels of the ruler, in the order of time.
        pool: accurate labels that can be bought.
        cheap_pool: cheap frames that can be bought.
        cheap_at_accurate: cheap labels at the geometries of `accurate`, where a strategy needs them.
        descriptors: how the molecule is described; None where no model of the study needs it.
        temperature_k: temperature at which the cheap frames were sampled, where it is declared.
        prices: price of each level.
        card: the data card as lines for the terminal and the report.
        card_json: the same as plain data.
    """

    accurate: LabelSet
    test: LabelSet
    pool: LabelSet
    cheap_pool: LabelSet
    prices: PriceList
    card: tuple[str, ...]
    card_json: dict[str, Any]
    descriptors: DescriptorSettings | None
    cheap_at_accurate: LabelSet | None = None
    temperature_k: float | None = None


def load_data(sweep: Sweep) -> StudyData:
    """Load, check and divide the labels of a sweep.

    Raises:
        InputError: labels are missing, broken or leaked, or a budget is larger than its pool.
    """
    section = sweep.data
    if section.dataset is not None:
        dataset = load_methanol()
        accurate, cheap = dataset.accurate, dataset.cheap
        levels = {
            card.level: LevelPrice(card.price_cpu_s, card.price_source, card.sampling_price_cpu_s)
            for card in (dataset.card.accurate, dataset.card.cheap)
        }
        cards = [
            label_card(labels, section.dataset, check_labels(labels, f"{section.dataset} {labels.level}"))
            for labels in (accurate, cheap)
        ]
        lines = [
            *dataset.card.lines(),
            *(line for card in cards for line in (f"{card.level}, checked:", *card.lines(groups=False))),
        ]
        card_json = {**dataset.card.to_json(), "checked": [card.to_json() for card in cards]}
        temperature_k: float | None = dataset.card.temperature_k
    else:
        assert section.accurate is not None
        assert section.cheap is not None
        accurate_file, cheap_file = fill_from_card(section.accurate), fill_from_card(section.cheap)
        section = section.model_copy(update={"cheap": cheap_file.given})
        accurate, accurate_price, accurate_lines, accurate_json = load_file(accurate_file, section.prices)
        cheap, cheap_price, cheap_lines, cheap_json = load_file(cheap_file, section.prices)
        if accurate.level == cheap.level:
            raise InputError(f"the two levels must differ, found {accurate.level} in both files: correct 'level'")
        levels = {accurate.level: accurate_price, cheap.level: cheap_price}
        lines = [*accurate_lines, *cheap_lines]
        temperature_k = cheap_file.given.temperature_k
        rules = {accurate.level: accurate_file.selection_rule, cheap.level: cheap_file.selection_rule}
        card_json = {
            "files": [str(file.given.file) for file in (accurate_file, cheap_file)],
            "selection_rules": {level: rule for level, rule in rules.items() if rule is not None},
            "checked": [accurate_json, cheap_json],
            "lines": lines,
        }
    asked = [STRATEGIES[strategy] for strategy in sweep.strategies]
    farthest = [level for level, rule in card_json.get("selection_rules", {}).items() if rule == "farthest"]
    order = section.cheap.atom_order if section.cheap is not None else None
    refuse_models_of_one_molecule(sweep, accurate, cheap)
    refuse_other_molecule(cheap, accurate, order)
    scored = next((entry.slug for entry in asked if entry.learns_from_sampling), None)
    if scored and temperature_k is None:
        raise InputError(
            f"{scored} learns forces from how often geometries occur, which needs the temperature of their "
            "sampling, found none: add temperature_k under data.cheap, in kelvin"
        )
    if scored and cheap.level in farthest:
        raise InputError(
            f"{scored} learns forces from how often geometries occur, found {cheap.level} frames chosen by "
            "farthest-point sampling, which undoes that: leave the strategy out or give the frames as they were sampled"
        )
    if scored and section.cheap is not None and section.cheap.sampling_price is None:
        raise InputError(
            f"{scored} pays for the sampling of {cheap.level} frames and for nothing else of them, found no "
            "price: add for instance sampling_price: 28ms under data.cheap (0 where they are given)"
        )
    prices = _override(PriceList(accurate.level, cheap.level, levels), section)
    test, pool = _divide(accurate, sweep.test)
    # Delta-learning may come with exactly the paired labels: then there is nothing to pretrain on, and no need to.
    pretrains = any(entry.has_cheap_axis for entry in asked)
    rows = cheap_pool_rows(cheap, accurate, test_groups=sweep.test.groups, may_be_empty=not pretrains)
    cheap_pool = cheap.select(rows)
    refuse_leak(cheap_pool, test, "cheap frames")
    _refuse_too_many(sweep, pool, cheap_pool if pretrains else None)
    if sweep.test.groups is not None and cheap.group is None:
        lines = [*lines, f"note: {cheap.level} has no groups: its frames of the test groups are told by geometry only"]
    if pretrains and section.cheap is not None and section.cheap.sampling_price is None:
        lines = [*lines, f"note: {cheap.level} has no sampling_price: its geometries count as given, at no cost"]
    if accurate.level in farthest and len(test):
        lines = [*lines, FARTHEST_TEST_NOTE]
    counts = (
        f"roles: {len(test):,} test labels, {len(pool):,} in the pool, {len(cheap_pool):,} cheap frames to draw from "
        f"({len(cheap) - len(cheap_pool):,} left out: test groups and geometries with an accurate label)"
    )
    if accurate.varied or cheap.varied:
        roles = {"test": test, "pool": pool, "cheap": cheap_pool}
        card_json["molecules_by_role"] = {role: dict(formulas(labels)) for role, labels in roles.items()}
    lines = [*lines, counts, *molecule_notes(sweep, test, pool, cheap_pool)]
    needs_descriptors = any(model.needs_descriptors for model in sweep.architectures)
    descriptors = sweep.descriptors.settings(accurate) if needs_descriptors else None
    if descriptors is not None and descriptors.sites is not None:
        refuse_other_sites(cheap, accurate, order)
    lines += [*_described(descriptors), *_broken_bonds(descriptors, accurate, cheap)]
    cheap_at_accurate = None
    if any(entry.runs_cheap_method for entry in asked):
        cheap_at_accurate = cheap_labels_at(accurate, cheap, cheap_method(cheap.level), why_not(cheap.level))
    return StudyData(
        accurate,
        test,
        pool,
        cheap_pool,
        prices,
        tuple(lines),
        card_json,
        descriptors,
        cheap_at_accurate=cheap_at_accurate,
        temperature_k=temperature_k,
    )


def _described(descriptors: DescriptorSettings | None) -> list[str]:
    if descriptors is None:
        return []
    resolution = (
        f"{descriptors.n_radial} radial, {descriptors.n_angular} angular functions, l up to {descriptors.l_max}"
    )
    if descriptors.sites is None:
        return [f"descriptors: atoms told apart by element; {resolution}"]
    sites = " ".join(map(str, descriptors.sites))
    return [f"descriptors: atoms told apart by their place among the bonds (sites {sites}); {resolution}"]


def _broken_bonds(descriptors: DescriptorSettings | None, *sets: LabelSet) -> list[str]:
    """A note for each level with frames in which a bond is broken, where atoms are told apart by bonds."""
    if descriptors is None or descriptors.sites is None:
        return []
    counts = [(labels, len(broken_frames(labels.numbers, labels.positions))) for labels in sets]
    return [
        f"note: a bond is broken in {broken:,} of {len(labels):,} frames of {labels.level}, and atoms are told apart "
        "by bonds: where bonds break, set descriptors: {atoms: elements}"
        for labels, broken in counts
        if broken
    ]


def _override(prices: PriceList, section: DataSection) -> PriceList:
    for level, price_cpu_s in section.prices.items():
        prices = prices.override(level, price_cpu_s, "sweep file")
    return prices


def _divide(accurate: LabelSet, section: TestSection) -> tuple[LabelSet, LabelSet]:
    """Test set and pool, without a geometry in both."""
    test_rows, pool_rows = split_test(accurate, groups=section.groups, share=section.share)
    test, pool = accurate.select(test_rows), accurate.select(pool_rows)
    refuse_leak(pool, test, "the pool of accurate labels")
    # Errors of neighbours in time are correlated; the block bootstrap wants them in a row.
    group = np.zeros(len(test)) if test.group is None else test.group
    by_time = np.lexsort((test.frame_id, group, _formula_places(test)))
    return test.select(by_time), pool


def _formula_places(labels: LabelSet) -> IntArray:
    """A number for each frame's formula: files of several molecules are often several trajectories."""
    places = np.zeros(len(labels), dtype=np.int64)
    if labels.varied:
        for place, rows in enumerate(rows_by_formula(labels.numbers).values()):
            places[rows] = place
    return places


def _refuse_too_many(sweep: Sweep, pool: LabelSet, cheap_pool: LabelSet | None) -> None:
    """The splits refuse too; here the message names the key of the sweep file before anything is described."""
    n_cheap = sweep.n_cheap if cheap_pool is not None else ()
    for key, values, available in (("budgets", sweep.budgets, len(pool)), ("n_cheap", n_cheap, len(cheap_pool or ()))):
        if values and max(values) > available:
            raise InputError(f"{key}: {max(values)} is larger than the pool: the largest possible is {available}")
    for key, values, smallest in (("budgets", sweep.budgets, 5), ("n_cheap", n_cheap, 10)):
        if values and min(values) < smallest:
            raise InputError(f"{key}: {min(values)} leaves no validation label: the smallest possible is {smallest}")
    asked = [STRATEGIES[strategy] for strategy in sweep.strategies]
    if any(entry.learns_from_sampling for entry in asked) and sweep.score_match is not None:
        refuse_too_many_probes(len(pool.numbers), sweep.score_match.probes)
    if any("kernel" in entry.kinds for entry in asked):
        sweep.kernel.settings().refuse_too_large(max(sweep.budgets), len(pool.numbers))
