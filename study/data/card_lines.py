"""Lines of the data card on the study as a whole: roles, descriptors, and what the user should know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.labels.compositions import frame_names
from asteroid.labels.selection_rule import FARTHEST_TEST_NOTE
from asteroid.labels.sites import broken_frames
from study.data.several_molecules import molecule_notes
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.label_set import LabelSet
    from study.config.sweep import Sweep
    from study.data.read import ReadLabels
    from study.data.roles import Roles


def role_lines(sweep: Sweep, read: ReadLabels, roles: Roles) -> list[str]:
    """How many labels have which role, with notes on groups, prices, the choice of frames and molecules."""
    test, pool = roles.test, roles.pool
    lines = []
    pretrains = any(sweep.buys_frames(STRATEGIES[strategy]) for strategy in sweep.strategies)
    for place, cheap in enumerate(read.cheap):
        if sweep.test is not None and sweep.test.groups is not None and cheap.labels.group is None:
            lines.append(f"note: {cheap.level} has no groups: its frames of the test groups are told by geometry only")
        above = sweep.data.is_ladder and place > 0  # its geometries are those that the levels above have as well
        if not cheap.sampling_is_priced and pretrains and not above:
            lines.append(f"note: {cheap.level} has no sampling_price: its geometries count as given, at no cost")
    if read.is_farthest(read.accurate.level) and len(test):
        lines.append(FARTHEST_TEST_NOTE)
    errors_from = f"{len(test):,} test labels" if sweep.test else "no test labels (errors are cross-validated)"
    left_out = "test groups and geometries" if sweep.test else "geometries"
    label = "a test label" if sweep.data.is_ladder else "an accurate label"
    frames = []
    for cheap, cheap_pool in zip(read.cheap, roles.cheap_pools, strict=True):
        name = f"{cheap.level} frames" if len(read.cheap) > 1 else "cheap frames"
        n_out = len(cheap.labels) - len(cheap_pool)
        frames.append(f"{len(cheap_pool):,} {name} to draw from ({n_out:,} left out: {left_out} with {label})")
    lines.append(f"roles: {errors_from}, {len(pool):,} in the pool, {', '.join(frames)}")
    notes = [note for cheap_pool in roles.cheap_pools for note in molecule_notes(sweep, test, pool, cheap_pool)]
    return [*lines, *dict.fromkeys(notes)]


def start_lines(sweep: Sweep) -> list[str]:
    """Where fine-tuning starts from a model that was given, and what that counts as."""
    if sweep.start is None:
        return []
    price = f"{sweep.start.price:g} s of training" if sweep.start.price else "nothing, whatever it took its maker"
    return [f"note: strategies with pretraining start from {sweep.start.name}, which counts as {price}"]


def descriptor_lines(descriptors: DescriptorSettings | None, *sets: LabelSet) -> list[str]:
    """How the descriptors see the molecule, with a note on each set in which bonds break; none without descriptors."""
    return [*_described(descriptors), *_broken_bonds(descriptors, *sets)]


def _described(descriptors: DescriptorSettings | None) -> list[str]:
    if descriptors is None:
        return []
    resolution = (
        f"{descriptors.n_radial} radial, {descriptors.n_angular} angular functions, l up to {descriptors.l_max}"
    )
    if descriptors.sites is None:
        return [f"descriptors: atoms told apart by element; {resolution}"]
    sites = " ".join(map(str, descriptors.sites))
    alike = f"sites {sites}; like atoms have one number"
    return [f"descriptors: atoms told apart by their place among the bonds ({alike}); {resolution}"]


def _broken_bonds(descriptors: DescriptorSettings | None, *sets: LabelSet) -> list[str]:
    """A note for each level with frames in which a bond is broken, where atoms are told apart by bonds."""
    if descriptors is None or descriptors.sites is None:
        return []
    rows = [(labels, broken_frames(labels.numbers, labels.positions)) for labels in sets]
    return [
        f"note: a bond is broken in {len(broken):,} of {len(labels):,} frames of {labels.level} "
        f"({frame_names(labels, broken)}), and atoms are told apart by bonds: where bonds break, set descriptors: "
        "{atoms: elements}"
        for labels, broken in rows
        if len(broken)
    ]
