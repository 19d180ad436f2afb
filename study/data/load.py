"""From the data section of a sweep to labels with roles: test, pool and cheap pool, every guard passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.atom_order import refuse_other_molecule, refuse_other_sites
from asteroid.labels.draw_controls import draw_controls
from asteroid.labels.molecules import formulas
from asteroid.labels.order_changes import refuse_order_change
from study.data.card_lines import descriptor_lines, role_lines
from study.data.cheap_controls import cheap_controls, drawn_along
from study.data.draw_notes import draw_json, draw_lines
from study.data.energies_alone import energies_alone
from study.data.live_method import live_method
from study.data.read import read_section
from study.data.roles import divide_labels
from study.data.several_molecules import refuse_models_of_one_molecule
from study.data.trajectories import trajectory_notes
from study.prices import PriceList
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labelling.cheap_methods import CheapMethod
    from asteroid.labels.label_set import FloatArray, LabelSet
    from study.config.sweep import Sweep
    from study.data.cheap_controls import CheapControls
    from study.data.read import ReadLabels
    from study.data.roles import Roles


@dataclass(frozen=True, eq=False)
class StudyData:
    """The labels of a study by role.

    Attributes:
        accurate: all accurate labels.
        test: accurate labels that errors are measured on, in the order of time; empty where they are cross-validated.
        pool: accurate labels that can be bought.
        cheap_pool: cheap frames that can be bought.
        cheap_at_accurate: cheap labels at the geometries of `accurate`, where a strategy needs them.
        cheap_method: the cheap level as a function of positions; None where it cannot be run, or takes long.
        descriptors: how the molecule is described; None where no model of the study needs it.
        temperature_k: temperature at which the cheap frames were sampled, where it is declared.
        pool_controls: what the cheap level knows of the pool's frames, where errors are cross-validated; else None.
        drawn_along: the value of each frame of the pool that purchases are balanced along; None: they are random.
        prices: price of each level.
        card: the data card as lines for the terminal and the report.
        card_json: the same as plain data.
        test_controls: what the cheap level knows of the test frames (`asteroid.labels.draw_controls`), or None.
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
    cheap_method: CheapMethod | None = None
    temperature_k: float | None = None
    test_controls: FloatArray | None = None
    pool_controls: CheapControls | None = None
    drawn_along: FloatArray | None = None


def load_data(sweep: Sweep) -> StudyData:
    """Load, check and divide the labels of a sweep.

    Raises:
        InputError: labels are missing, broken or leaked, or a budget is larger than its pool.
    """
    read = read_section(sweep.data)
    accurate, cheap = read.accurate, read.cheap
    refuse_models_of_one_molecule(sweep, accurate, cheap)
    refuse_other_molecule(cheap, accurate, read.atom_order)
    _refuse_unknown_sampling(sweep, read)
    prices = PriceList(accurate.level, cheap.level, read.prices)
    for level, price_cpu_s in sweep.data.prices.items():
        prices = prices.override(level, price_cpu_s, "sweep file")
    groups = trajectory_notes(accurate, cheap, sweep.test.groups if sweep.test else None)
    accurate, roles = energies_alone(sweep, accurate, divide_labels(sweep, accurate, cheap))
    # Frames that were chosen far from each other stand for no distribution that a draw could be compared with.
    farthest = any(read.is_farthest(level) for level in (accurate.level, cheap.level))
    controls = None if farthest else draw_controls(roles.test, cheap)
    lines = [*read.lines, *groups, *role_lines(sweep, read, roles), *draw_lines(controls, cheap.level)]
    needs_descriptors = any(model.needs_descriptors for model in sweep.architectures)
    descriptors = sweep.descriptors.settings(accurate) if needs_descriptors else None
    if descriptors is not None and descriptors.sites is not None:
        for labels, given in ((accurate, sweep.data.accurate), (cheap, sweep.data.cheap)):
            refuse_order_change(labels, labels.level if given is None else given.file.name)
        refuse_other_sites(cheap, accurate, read.atom_order)
    lines += descriptor_lines(descriptors, accurate, cheap)
    cheap_at_accurate = None
    named = None if sweep.data.cheap is None else sweep.data.cheap.level
    live = live_method(cheap.level, prices.levels[cheap.level].label_cpu_s, named)
    if any(STRATEGIES[strategy].runs_cheap_method for strategy in sweep.strategies):
        cheap_at_accurate = cheap_labels_at(accurate, cheap, live.method, live.why_not)
    pool_controls = None
    if sweep.validation_inside is not None or sweep.draw != "random":
        pool_controls = cheap_controls(roles.pool, cheap, at_random=not farthest)
    return StudyData(
        accurate=accurate,
        test=roles.test,
        pool=roles.pool,
        cheap_pool=roles.cheap_pool,
        prices=prices,
        card=tuple(lines),
        card_json=read.card_json | _molecules_by_role(accurate, cheap, roles) | draw_json(controls),
        descriptors=descriptors,
        cheap_at_accurate=cheap_at_accurate,
        cheap_method=live.method,
        temperature_k=read.temperature_k,
        test_controls=controls,
        pool_controls=pool_controls,
        drawn_along=drawn_along(sweep, roles.pool, cheap, pool_controls),
    )


def _refuse_unknown_sampling(sweep: Sweep, read: ReadLabels) -> None:
    """Refuse cheap frames whose density says nothing, where a strategy learns from it."""
    level = read.cheap.level
    asked = [STRATEGIES[strategy] for strategy in sweep.strategies]
    scored = next((entry.slug for entry in asked if entry.learns_from_sampling), None)
    if scored is None:
        return
    if read.temperature_k is None:
        raise InputError(
            f"{scored} learns forces from how often geometries occur, which needs the temperature of their "
            "sampling, found none: add temperature_k under data.cheap, in kelvin"
        )
    if read.is_farthest(level):
        raise InputError(
            f"{scored} learns forces from how often geometries occur, found {level} frames chosen by "
            "farthest-point sampling, which undoes that: leave the strategy out or give the frames as they were sampled"
        )
    if not read.sampling_is_priced:
        raise InputError(
            f"{scored} pays for the sampling of {level} frames and for nothing else of them, found no "
            "price: add for instance sampling_price: 28ms under data.cheap (0 where they are given)"
        )


def _molecules_by_role(accurate: LabelSet, cheap: LabelSet, roles: Roles) -> dict[str, Any]:
    if not (accurate.varied or cheap.varied):
        return {}
    by_role = {"test": roles.test, "pool": roles.pool, "cheap": roles.cheap_pool}
    return {"molecules_by_role": {role: dict(formulas(labels)) for role, labels in by_role.items()}}
