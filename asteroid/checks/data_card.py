"""The data card of one level: what its labels are, as a few lines and as plain data, before anything trains on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.labels.compositions import by_composition
from asteroid.labels.molecules import formula
from asteroid.labels.selection_rule import FARTHEST_NOTE
from asteroid.plural import plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.checks.guards import Checked
    from asteroid.labels.compositions import Composition
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule

_SHOWN_GROUPS, _SHOWN_MOLECULES = 8, 6


@dataclass(frozen=True)
class MoleculeCard:
    """Numbers of one composition in a set of several molecules.

    Attributes:
        formula: chemical formula; isomers have one.
        n_atoms: number of atoms.
        n_frames: number of frames.
        energy_range_ev: lowest and highest energy.
        measured_cpu_s_median: median CPU seconds that the labels took, or None.
    """

    formula: str
    n_atoms: int
    n_frames: int
    energy_range_ev: tuple[float, float]
    measured_cpu_s_median: float | None

    def line(self) -> str:
        """Say it in one line."""
        low, high = self.energy_range_ev
        line = f"  {self.formula}: {self.n_frames:,} {plural(self.n_frames, 'frame')}, "
        line += f"{self.n_atoms} {plural(self.n_atoms, 'atom')}, energies {low:,.3f} to {high:,.3f} eV"
        if self.measured_cpu_s_median is not None:
            line += f", {self.measured_cpu_s_median:.3g} CPU s each (median measured)"
        return line


@dataclass(frozen=True)
class LabelCard:
    """Numbers of one level.

    Attributes:
        level: slug of the level of theory.
        source: the file's name.
        formula: chemical formula; of several molecules those with the most frames.
        n_atoms: number of atoms; of several molecules that of the largest.
        n_frames: number of frames.
        frames_by_group: frames in each replica or time block; empty where there are none.
        energy_range_ev: lowest and highest energy, or None for several molecules, whose energies have no common zero.
        force_rms_ev_ang: root mean square force component; None of energies alone.
        force_max_ev_ang: largest force component, likewise.
        net_force_max_ev_ang: largest net force of a frame, or None for a single atom.
        net_torque_max_ev: largest net torque of a frame, or None.
        force_energy_ratio: energy differences over -F·dx between neighbouring frames, or None where nothing tells.
        force_energy: the same as a sentence.
        measured_cpu_s_median: median CPU seconds that the labels took, or None; a record, not a price.
        notes: warnings, one line each.
        selection_rule: how the frames were chosen, or None where nothing states it.
        molecules: in a set of several molecules each composition, the most frequent first; else empty.
    """

    level: str
    source: str
    formula: str
    n_atoms: int
    n_frames: int
    frames_by_group: Mapping[str, int]
    energy_range_ev: tuple[float, float] | None
    force_rms_ev_ang: float | None
    force_max_ev_ang: float | None
    net_force_max_ev_ang: float | None
    net_torque_max_ev: float | None
    force_energy_ratio: float | None
    force_energy: str
    measured_cpu_s_median: float | None
    notes: tuple[str, ...]
    selection_rule: SelectionRule | None = None
    molecules: tuple[MoleculeCard, ...] = ()

    def title(self) -> str:
        """Say which labels these are."""
        whose = f"{self.formula}, {self.n_atoms} {plural(self.n_atoms, 'atom')}"
        if len(self.molecules) > 1:
            smallest = min(molecule.n_atoms for molecule in self.molecules)
            sizes = f"{smallest} to {self.n_atoms}" if smallest < self.n_atoms else f"{smallest}"
            whose = f"{len(self.molecules):,} molecules of {sizes} {plural(self.n_atoms, 'atom')}"
        return f"{self.level}: {self.n_frames:,} {plural(self.n_frames, 'frame')} from {self.source} ({whose})"

    def lines(self, *, groups: bool = True) -> list[str]:
        """Say what is in the labels, with or without the size of each group."""
        energies = ""
        if self.energy_range_ev is not None:
            low, high = self.energy_range_ev
            energies = f"energies {low:,.3f} to {high:,.3f} eV; "
        lines = [
            *self._molecules(),
            f"  {energies}{self._forces()}",
            *([f"  {self.force_energy}"] if self.force_rms_ev_ang is not None else []),
            f"  {self._net()}no geometry twice",
        ]
        if groups and self.frames_by_group:
            sizes = [f"{group}: {n:,}" for group, n in self.frames_by_group.items()]
            more = f" and {len(sizes) - _SHOWN_GROUPS} more groups" if len(sizes) > _SHOWN_GROUPS else ""
            lines.append(f"  frames by group: {', '.join(sizes[:_SHOWN_GROUPS])}{more}")
        if self.selection_rule == "farthest":
            lines.append(f"  {FARTHEST_NOTE}")
        return lines + [f"  note: {note}" for note in self.notes]

    def to_json(self) -> dict[str, Any]:
        """Plain data for a manifest."""
        energies = None if self.energy_range_ev is None else list(self.energy_range_ev)
        plain = {**asdict(self), "energy_range_ev": energies, "notes": list(self.notes)}
        molecules = [
            {**asdict(molecule), "energy_range_ev": list(molecule.energy_range_ev)} for molecule in self.molecules
        ]
        del plain["molecules"]
        return plain | ({"molecules": molecules} if molecules else {})

    def _molecules(self) -> list[str]:
        more = len(self.molecules) - _SHOWN_MOLECULES
        lines = [molecule.line() for molecule in self.molecules[:_SHOWN_MOLECULES]]
        return lines + ([f"  and {more:,} more {plural(more, 'molecule')}"] if more > 0 else [])

    def _forces(self) -> str:
        if self.force_rms_ev_ang is None:
            return "no forces: energies alone"
        return f"forces {self.force_rms_ev_ang:.2f} (rms), at most {self.force_max_ev_ang:.1f} eV/Å"

    def _net(self) -> str:
        if self.net_force_max_ev_ang is None:
            return ""
        return f"net force at most {self.net_force_max_ev_ang:.1g} eV/Å, net torque {self.net_torque_max_ev:.1g} eV; "


def label_card(
    labels: LabelSet, source: str, checked: Checked, selection_rule: SelectionRule | None = None
) -> LabelCard:
    """Describe labels that passed the guards.

    Args:
        labels: energies of one level, and forces unless these are energies alone.
        source: the file's name.
        checked: what `asteroid.checks.guards.check_labels` returned for them.
        selection_rule: from `asteroid.io.selection_rule.selection_rule_of`.
    """
    assert labels.energy is not None
    motion, fit, forces = checked.motion, checked.fit, labels.forces
    if forces is not None and labels.varied:
        forces = forces[labels.numbers > 0]
    compositions = list(by_composition(labels).values()) if labels.varied else []
    molecules = sorted((_molecule(composition, labels) for composition in compositions), key=lambda m: -m.n_frames)
    counts = {} if labels.group is None else dict(zip(*np.unique(labels.group, return_counts=True), strict=True))
    no_pairs = "forces against energies: no two frames are near enough to tell"
    return LabelCard(
        level=labels.level,
        source=source,
        formula=_formulas(molecules) if molecules else formula(labels.numbers),
        n_atoms=int(labels.n_atoms.max()),
        n_frames=len(labels),
        frames_by_group={str(group): int(n) for group, n in counts.items()},
        energy_range_ev=None if len(molecules) > 1 else (float(labels.energy.min()), float(labels.energy.max())),
        force_rms_ev_ang=None if forces is None else float(np.sqrt(np.square(forces).mean())),
        force_max_ev_ang=None if forces is None else float(np.abs(forces).max()),
        net_force_max_ev_ang=None if motion is None else float(motion.force_ev_ang.max()),
        net_torque_max_ev=None if motion is None else float(motion.torque_ev.max()),
        force_energy_ratio=fit.ratio if fit is not None and fit.conclusive else None,
        force_energy=no_pairs if fit is None else fit.sentence(),
        measured_cpu_s_median=None if labels.cpu_s is None else float(np.median(labels.cpu_s)),
        notes=checked.notes,
        selection_rule=selection_rule,
        molecules=tuple(molecules),
    )


def _molecule(composition: Composition, labels: LabelSet) -> MoleculeCard:
    assert labels.energy is not None
    energy = labels.energy[composition.rows]
    return MoleculeCard(
        formula=composition.formula,
        n_atoms=len(composition.numbers),
        n_frames=len(composition.rows),
        energy_range_ev=(float(energy.min()), float(energy.max())),
        measured_cpu_s_median=None if labels.cpu_s is None else float(np.median(labels.cpu_s[composition.rows])),
    )


def _formulas(molecules: Sequence[MoleculeCard]) -> str:
    more = len(molecules) - _SHOWN_MOLECULES
    shown = ", ".join(molecule.formula for molecule in molecules[:_SHOWN_MOLECULES])
    return shown + (f" and {more:,} more" if more > 0 else "")
