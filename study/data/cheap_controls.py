"""Cheap energies and forces of the accurate labels: control variates of errors, and what draws are balanced along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.draw_controls import cheap_values, cheap_values_at
from asteroid.labels.label_set import content_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.labels.label_set import FloatArray, LabelSet
    from study.config.sweep import Sweep


@dataclass(frozen=True, eq=False)
class CheapControls:
    """Cheap energy (eV) and mean absolute cheap force component (eV/Å) of frames of the pool, NaN where not known.

    Attributes:
        values: of each frame of the pool, [N, 2], in the order of the pool.
        mean: over all cheap frames, which the labels are drawn from, [2]; NaN where they stand for no distribution.
        spread: their standard deviations, [2].
        places: row of the pool by content hash.
    """

    values: FloatArray
    mean: FloatArray
    spread: FloatArray
    places: dict[str, int]

    def of(self, hashes: Sequence[str]) -> FloatArray:
        """Values of some frames, [n, 2]."""
        return self.values[[self.places[h] for h in hashes]]

    def standardised(self, hashes: Sequence[str]) -> FloatArray | None:
        """The same in standard deviations of the cheap frames from their mean; None where any is not known."""
        found = (self.of(hashes) - self.mean) / self.spread
        return found if np.isfinite(found).all() else None


def cheap_controls(pool: LabelSet, cheap: LabelSet, *, at_random: bool) -> CheapControls:
    """Look up the cheap level at the accurate labels.

    Args:
        pool: the accurate labels that can be bought.
        cheap: all cheap frames, those at the same geometries among them.
        at_random: whether both are random frames of one distribution, so that the mean of one is that of the other.
    """
    everywhere = cheap_values(cheap)
    mean = spread = np.full(2, np.nan)
    if at_random and everywhere is not None and len(everywhere):
        mean, deviations = everywhere.mean(axis=0), everywhere.std(axis=0)
        spread = np.where(deviations > 0, deviations, np.nan)
    places = {h: row for row, h in enumerate(content_hashes(pool))}
    return CheapControls(cheap_values_at(pool, cheap), mean, spread, places)


def drawn_along(sweep: Sweep, pool: LabelSet, cheap: LabelSet, controls: CheapControls | None) -> FloatArray | None:
    """What labels are drawn along: the cheap energy of each frame of the pool, [N]; None for random draws.

    Raises:
        InputError: balanced draws are asked for and a cheap energy is not known.
    """
    if sweep.draw == "random" or controls is None:
        return None
    energies = controls.values[:, 0]
    unknown = int(np.isnan(energies).sum())
    if unknown:
        why = "several molecules" if pool.varied or cheap.varied else f"{unknown} of {len(pool)} have none"
        raise InputError(
            f"draw: balanced needs a {cheap.level} energy at every accurate geometry, found {why}: add them to the "
            "cheap file, or set draw: random"
        )
    return energies
