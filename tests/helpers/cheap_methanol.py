"""Every fiftieth cheap frame of the packaged methanol, and how well forces fit energies in it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.force_energy import ForceEnergyFit, fit_forces_to_energies
from asteroid.datasets import load_methanol

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


@cache
def methanol() -> LabelSet:
    return load_methanol().cheap.select(np.arange(0, 20_000, 50))


def fit_of(labels: LabelSet) -> ForceEnergyFit:
    fit = fit_forces_to_energies(labels)
    assert fit is not None
    return fit


def changed(factor: float) -> LabelSet:
    assert methanol().forces is not None
    return replace(methanol(), forces=methanol().forces * factor)
