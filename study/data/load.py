"""From the data section of a sweep to labels with roles: test, pool and cheap pool, every guard passed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from asteroid.checks.two_levels import refuse_labels_of_two_levels
from asteroid.errors import InputError
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.atom_order import refuse_other_molecule, refuse_other_sites
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.labels.draw_controls import draw_controls
from asteroid.labels.matching import covers
from asteroid.labels.molecules import formulas
from asteroid.labels.order_changes import refuse_order_change
from study.data.card_lines import descriptor_lines, role_lines, start_lines
from study.data.cheap_controls import cheap_controls, drawn_along
from study.data.draw_notes import draw_json, draw_lines
from study.data.energies_alone import energies_alone, kind_lines, without_wrong_energies
from study.data.live_method import live_method
from study.data.read import read_section
from study.data.roles import divide_labels
from study.data.several_molecules import refuse_models_of_one_molecule
from study.data.trajectories import trajectory_notes
from study.prices import PriceList
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labelling.cheap_methods import CheapMethod
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import FloatArray, LabelSet
    from study.config.sweep import Sweep
    from study.data.cheap_controls import CheapControls
    from study.data.read import ReadCheap, ReadLabels
    from study.data.roles import Roles


#: Labels that take longer, CPU s, are not computed at hundreds of geometries for one of several cheap levels.
_AT_ONCE_CPU_S = 0.1


@dataclass(frozen=True, eq=False)
class CheapData:
    """One level below the accurate one.

    Attributes:
        pool: frames that can be bought.
        at: its labels at the geometries of a level above, by that level, where a strategy needs them.
        method: the level as a function of positions; None where it cannot be run, or takes long.
        temperature_k: temperature at which the frames were sampled, where it is declared.
    """

    pool: LabelSet
    at: Mapping[str, LabelSet] = field(default_factory=dict)
    method: CheapMethod | None = None
    temperature_k: float | None = None

    @property
    def level(self) -> str:
        """The level."""
        return self.pool.level


@dataclass(frozen=True, eq=False)
class StudyData:
    """The labels of a study by role.

    Attributes:
        accurate: all accurate labels.
        test: accurate labels that errors are measured on, in the order of time; empty where they are cross-validated.
        pool: accurate labels that can be bought.
        cheap: the levels below the accurate one; of a ladder the cheapest first.
        prices: price of each level.
        card: the data card as lines for the terminal and the report.
        card_json: the same as plain data.
        descriptors: how the molecule is described; None where no model of the study needs it.
        is_ladder: whether strategies may climb over the second of the lower levels.
        test_controls: what the first cheap level knows of the test frames (`asteroid.labels.draw_controls`), or None.
        pool_controls: what it knows of the pool's frames, where errors are cross-validated; else None.
        drawn_along: the value of each frame of the pool that purchases are balanced along; None: they are random.
        electrons: charge and spin of the molecule.
    """

    accurate: LabelSet
    test: LabelSet
    pool: LabelSet
    cheap: tuple[CheapData, ...]
    prices: PriceList
    card: tuple[str, ...]
    card_json: dict[str, Any]
    descriptors: DescriptorSettings | None
    is_ladder: bool = False
    test_controls: FloatArray | None = None
    pool_controls: CheapControls | None = None
    drawn_along: FloatArray | None = None
    electrons: ChargeAndSpin = CLOSED_SHELL

    def cheap_of(self, level: str) -> CheapData:
        """A level below the accurate one; the first where none is named."""
        return next(cheap for cheap in self.cheap if level in ("", cheap.level))


def load_data(sweep: Sweep) -> StudyData:
    """Load, check and divide the labels of a sweep.

    Raises:
        InputError: labels are missing, broken or leaked, or a budget is larger than its pool.
    """
    read = read_section(sweep.data)
    accurate, first = read.accurate, read.cheap[0].labels
    sets = [cheap.labels for cheap in read.cheap]
    refuse_models_of_one_molecule(sweep, accurate, *sets)
    for cheap in read.cheap:
        refuse_other_molecule(cheap.labels, accurate, cheap.atom_order)
    refuse_labels_of_two_levels(accurate, *sets)
    accurate, dropped = without_wrong_energies(accurate, first, sweep.data.accurate_file, read.accurate_source)
    read = replace(read, accurate=accurate, lines=(*read.lines, *(f"  {note}" for note in dropped)))
    for cheap in read.cheap[:1] if sweep.data.is_ladder else read.cheap:
        _refuse_unknown_sampling(sweep, read, cheap)
    refuse_unknown_counts(sweep, [cheap.level for cheap in read.cheap])
    prices = PriceList(accurate.level, first.level, read.prices)
    for level, price_cpu_s in sweep.data.prices.items():
        prices = prices.override(level, price_cpu_s, "sweep file")
    test_groups = sweep.test.groups if sweep.test else None
    groups = [note for labels in sets for note in trajectory_notes(accurate, labels, test_groups)]
    accurate, roles = energies_alone(sweep, accurate, divide_labels(sweep, accurate, sets))
    # Frames that were chosen far from each other stand for no distribution that a draw could be compared with.
    farthest = any(read.is_farthest(level) for level in (accurate.level, first.level))
    controls = None if farthest else draw_controls(roles.test, first)
    lines = [
        *read.lines,
        *groups,
        *role_lines(sweep, read, roles),
        *kind_lines(sweep, roles),
        *start_lines(sweep),
        *draw_lines(controls, first.level),
    ]
    needs_descriptors = any(model.needs_descriptors for model in sweep.architectures)
    descriptors = sweep.descriptors.settings(accurate) if needs_descriptors else None
    if descriptors is not None and descriptors.sites is not None:
        refuse_order_change(accurate, read.accurate_source)
        for cheap in read.cheap:
            refuse_order_change(cheap.labels, cheap.source)
            refuse_other_sites(cheap.labels, accurate, cheap.atom_order)
    lines += descriptor_lines(descriptors, accurate, *sets)
    pool_controls = None
    if sweep.validation_inside is not None or sweep.draw != "random":
        pool_controls = cheap_controls(roles.pool, first, at_random=not farthest)
    return StudyData(
        accurate=accurate,
        test=roles.test,
        pool=roles.pool,
        cheap=_cheap_data(sweep, read, roles, prices),
        prices=prices,
        card=tuple(lines),
        card_json=read.card_json | _molecules_by_role(accurate, roles, *sets) | draw_json(controls),
        descriptors=descriptors,
        is_ladder=sweep.data.is_ladder,
        test_controls=controls,
        pool_controls=pool_controls,
        drawn_along=drawn_along(sweep, roles.pool, first, pool_controls),
        electrons=read.electrons,
    )


def _cheap_data(sweep: Sweep, read: ReadLabels, roles: Roles, prices: PriceList) -> tuple[CheapData, ...]:
    """The lower levels with what strategies need of them at the geometries of the levels above.

    Raises:
        InputError: a strategy needs labels of a cheap level that are not there and cannot be computed.
    """
    asked = [STRATEGIES[strategy] for strategy in sweep.strategies if STRATEGIES[strategy].runs_cheap_method]
    plain = any(not entry.has_intermediate_axis for entry in asked)
    found = []
    for place, (cheap, pool) in enumerate(zip(read.cheap, roles.cheap_pools, strict=True)):
        label_cpu_s = prices.levels[cheap.level].label_cpu_s
        live = live_method(cheap.level, label_cpu_s, cheap.named, read.electrons)
        above = [read.accurate] if plain or (asked and place == 0) else []
        if place and not is_paired(cheap.labels, read.accurate, label_cpu_s):
            above = []  # delta-learning is tried with the other levels
        if place == 0 and any(entry.has_intermediate_axis for entry in asked):
            above.append(roles.cheap_pools[1])
        who = [entry.slug for entry in asked]
        at = {
            labels.level: cheap_labels_at(labels, cheap.labels, live.method, live.why_not, strategies=who)
            for labels in above
        }
        found.append(CheapData(pool, at, live.method, cheap.temperature_k))
    return tuple(found)


def is_paired(cheap: LabelSet, accurate: LabelSet, label_cpu_s: float) -> bool:
    """Whether one of several cheap levels is known at the accurate geometries, or quick enough to be computed there."""
    return label_cpu_s <= _AT_ONCE_CPU_S or covers(cheap, accurate)


def refuse_unknown_counts(sweep: Sweep, levels: Sequence[str]) -> None:
    """Refuse numbers of frames of levels that are not there, and none of a level that pretraining needs.

    Raises:
        InputError: the numbers do not fit the levels below the accurate one.
    """
    if isinstance(sweep.n_cheap, dict) and (unknown := sorted(sweep.n_cheap.keys() - {*levels})):
        raise InputError(
            f"n_cheap.{unknown[0]}: no such level, this study has {' and '.join(levels)}: name one of them"
        )
    if not any(sweep.buys_frames(STRATEGIES[strategy]) for strategy in sweep.strategies):
        return
    for level in levels:
        if not sweep.n_cheap_of(level):
            raise InputError(f"n_cheap needs a number of frames for each level, {level} has none: add {level}: [1000]")


def _refuse_unknown_sampling(sweep: Sweep, read: ReadLabels, cheap: ReadCheap) -> None:
    """Refuse cheap frames whose density says nothing, where a strategy learns from it."""
    level = cheap.level
    asked = [STRATEGIES[strategy] for strategy in sweep.strategies]
    scored = next((entry.slug for entry in asked if entry.learns_from_sampling), None)
    if scored is None:
        return
    if cheap.temperature_k is None:
        raise InputError(
            f"{scored} learns forces from how often geometries occur, which needs the temperature of their "
            "sampling, found none: add temperature_k under data.cheap, in kelvin"
        )
    if read.is_farthest(level):
        raise InputError(
            f"{scored} learns forces from how often geometries occur, found {level} frames chosen by "
            "farthest-point sampling, which undoes that: leave the strategy out or give the frames as they were sampled"
        )
    if not cheap.sampling_is_priced:
        raise InputError(
            f"{scored} pays for the sampling of {level} frames and for nothing else of them, found no "
            "price: add for instance sampling_price: 28ms under data.cheap (0 where they are given)"
        )


def _molecules_by_role(accurate: LabelSet, roles: Roles, *cheap: LabelSet) -> dict[str, Any]:
    if not any(labels.varied for labels in (accurate, *cheap)):
        return {}
    several = len(cheap) > 1
    by_role = {"test": roles.test, "pool": roles.pool}
    by_role |= {pool.level if several else "cheap": pool for pool in roles.cheap_pools}
    return {"molecules_by_role": {role: dict(formulas(labels)) for role, labels in by_role.items()}}
