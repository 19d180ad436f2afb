"""The data card of one level: what its labels are, as a few lines and as plain data, before anything trains on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.symbols import Symbols

from asteroid.selection import FARTHEST_NOTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.guards import Checked
    from asteroid.labels import LabelSet
    from asteroid.selection import SelectionRule

_SHOWN_GROUPS = 8


@dataclass(frozen=True)
class LabelCard:
    """Numbers of one level.

    Attributes:
        level: slug of the level of theory.
        source: the file's name.
        formula: chemical formula.
        n_atoms: number of atoms.
        n_frames: number of frames.
        frames_by_group: frames in each replica or time block; empty where there are none.
        energy_range_ev: lowest and highest energy.
        force_rms_ev_ang: root mean square force component.
        force_max_ev_ang: largest force component.
        net_force_max_ev_ang: largest net force of a frame, or None for a single atom.
        net_torque_max_ev: largest net torque of a frame, or None.
        force_energy_ratio: energy differences over -F·dx between neighbouring frames, or None where nothing tells.
        force_energy: the same as a sentence.
        measured_cpu_s_median: median CPU seconds that the labels took, or None; a record, not a price.
        notes: doubts, one line each.
        selection_rule: how the frames were chosen, or None where nothing states it.
    """

    level: str
    source: str
    formula: str
    n_atoms: int
    n_frames: int
    frames_by_group: Mapping[str, int]
    energy_range_ev: tuple[float, float]
    force_rms_ev_ang: float
    force_max_ev_ang: float
    net_force_max_ev_ang: float | None
    net_torque_max_ev: float | None
    force_energy_ratio: float | None
    force_energy: str
    measured_cpu_s_median: float | None
    notes: tuple[str, ...]
    selection_rule: SelectionRule | None = None

    def title(self) -> str:
        """Say which labels these are."""
        return f"{self.level}: {self.n_frames:,} frames from {self.source} ({self.formula}, {self.n_atoms} atoms)"

    def lines(self, *, groups: bool = True) -> list[str]:
        """Say what is in the labels, with or without the size of each group."""
        low, high = self.energy_range_ev
        lines = [
            f"  energies {low:,.3f} to {high:,.3f} eV; forces {self.force_rms_ev_ang:.2f} (rms), at most "
            f"{self.force_max_ev_ang:.1f} eV/Å",
            f"  {self.force_energy}",
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
        return {**asdict(self), "energy_range_ev": list(self.energy_range_ev), "notes": list(self.notes)}

    def _net(self) -> str:
        if self.net_force_max_ev_ang is None:
            return ""
        return f"net force at most {self.net_force_max_ev_ang:.1g} eV/Å, net torque {self.net_torque_max_ev:.1g} eV; "


def label_card(
    labels: LabelSet, source: str, checked: Checked, selection_rule: SelectionRule | None = None
) -> LabelCard:
    """Describe labels that passed the guards.

    Args:
        labels: energies and forces of one level.
        source: the file's name.
        checked: what `asteroid.guards.check_labels` returned for them.
        selection_rule: from `asteroid.selection.selection_rule_of`.
    """
    assert labels.energy is not None
    assert labels.forces is not None
    motion, fit = checked.motion, checked.fit
    counts = {} if labels.group is None else dict(zip(*np.unique(labels.group, return_counts=True), strict=True))
    told = "forces against energies: no two frames are near enough to tell"
    return LabelCard(
        level=labels.level,
        source=source,
        formula=str(Symbols(labels.numbers).get_chemical_formula()),
        n_atoms=len(labels.numbers),
        n_frames=len(labels),
        frames_by_group={str(group): int(n) for group, n in counts.items()},
        energy_range_ev=(float(labels.energy.min()), float(labels.energy.max())),
        force_rms_ev_ang=float(np.sqrt(np.square(labels.forces).mean())),
        force_max_ev_ang=float(np.abs(labels.forces).max()),
        net_force_max_ev_ang=None if motion is None else float(motion.force_ev_ang.max()),
        net_torque_max_ev=None if motion is None else float(motion.torque_ev.max()),
        force_energy_ratio=fit.ratio if fit is not None and fit.telling else None,
        force_energy=told if fit is None else fit.sentence(),
        measured_cpu_s_median=None if labels.cpu_s is None else float(np.median(labels.cpu_s)),
        notes=checked.notes,
        selection_rule=selection_rule,
    )
