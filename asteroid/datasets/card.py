"""What a data set is, where it comes from and what its labels cost, readable as lines and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.labels.label_set import LabelSet


@dataclass(frozen=True)
class LevelCard:
    """One level of a data set.

    Attributes:
        level: slug of the level of theory.
        n_frames: number of labelled frames.
        frames_by_group: number of frames in each replica or time block; empty where there are none.
        price_cpu_s: CPU seconds of one label on one core, the default price of studies.
        price_source: where the price was measured.
        sampling_price_cpu_s: CPU seconds to make the geometry of one kept frame; 0 where geometries are given.
        measured_cpu_s_median: median CPU seconds that these labels took, or None; a record, not the price.
        measured_note: why the measured time may differ from the price.
        units: units of the file and how they are known.
        provenance: method, code and settings.
    """

    level: str
    n_frames: int
    frames_by_group: Mapping[int, int]
    price_cpu_s: float
    price_source: str
    sampling_price_cpu_s: float
    measured_cpu_s_median: float | None
    measured_note: str
    units: str
    provenance: str

    def lines(self) -> list[str]:
        """Describe the level in a few lines for a terminal."""
        groups = ", ".join(f"{group}: {n:,}" for group, n in self.frames_by_group.items())
        sampling = f" and {_duration(self.sampling_price_cpu_s)} to sample a frame" if self.sampling_price_cpu_s else ""
        out = [
            f"{self.level}: {self.n_frames:,} frames" + (f" (by group {groups})" if groups else ""),
            f"  {self.provenance}",
            f"  {self.units}",
            f"  price: {_duration(self.price_cpu_s)} a label{sampling} ({self.price_source})",
        ]
        if self.measured_cpu_s_median is not None:
            out.append(f"  measured: {_duration(self.measured_cpu_s_median)} a label, median ({self.measured_note})")
        return out


@dataclass(frozen=True)
class DataCard:
    """A data set with an accurate and a cheap level of the same molecule.

    Attributes:
        name: the data set's name.
        formula: chemical formula.
        n_atoms: number of atoms.
        temperature_k: temperature of the cheap trajectories in K.
        sampling: how the geometries were made.
        test_groups: groups that are the test set by default.
        licence: licence of the data.
        accurate: the accurate level.
        cheap: the cheap level.
    """

    name: str
    formula: str
    n_atoms: int
    temperature_k: float
    sampling: str
    test_groups: tuple[int, ...]
    licence: str
    accurate: LevelCard
    cheap: LevelCard

    def lines(self) -> list[str]:
        """Describe the data set in lines for a terminal."""
        groups = ", ".join(map(str, self.test_groups))
        return [
            f"{self.name} ({self.formula}, {self.n_atoms} atoms), {self.licence}",
            f"geometries: {self.sampling}",
            f"test groups: {groups}",
            *self.accurate.lines(),
            *self.cheap.lines(),
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain data for a manifest; group numbers become text, as JSON demands of keys."""
        data = asdict(self)
        for role in ("accurate", "cheap"):
            data[role]["frames_by_group"] = {str(g): n for g, n in data[role]["frames_by_group"].items()}
        return {**data, "test_groups": list(self.test_groups)}


def level_card(
    labels: LabelSet, units: str, meta: Mapping[str, Any], *, provenance: str, measured_note: str
) -> LevelCard:
    """Describe loaded labels with the prices of their sidecar."""
    counts = {} if labels.group is None else dict(zip(*np.unique(labels.group, return_counts=True), strict=True))
    return LevelCard(
        level=labels.level,
        n_frames=len(labels),
        frames_by_group={int(group): int(n) for group, n in counts.items()},
        price_cpu_s=float(meta["price_cpu_s"]),
        price_source=str(meta["price_source"]),
        sampling_price_cpu_s=float(meta.get("sampling_price_cpu_s_per_frame", 0.0)),
        measured_cpu_s_median=None if labels.cpu_s is None else float(np.median(labels.cpu_s)),
        measured_note=measured_note,
        units=units,
        provenance=provenance,
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} CPU s" if seconds >= 1 else f"{1000 * seconds:.2g} CPU ms"
