"""Labelled frames of one molecule, as ASE holds them."""

from __future__ import annotations

import ase
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

REST = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
RNG = np.random.default_rng(0)
R, E, F = REST + 0.05 * RNG.normal(size=(4, 3, 3)), -2000 + RNG.normal(size=4), RNG.normal(size=(4, 3, 3))


def frames(**results: float) -> list[ase.Atoms]:
    out = []
    for i in range(4):
        atoms = ase.Atoms("OH2", R[i])
        atoms.calc = SinglePointCalculator(atoms, energy=E[i], forces=F[i], **results)
        out.append(atoms)
    return out
