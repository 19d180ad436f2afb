"""A trained force field as it is taken away: a model, its committee, the geometries it was trained on, its card."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from asteroid.deploy.known_molecules import refuse_unknown
from asteroid.deploy.region import region_of
from asteroid.descriptors.layout import make_layout
from asteroid.descriptors.resolution import choose_descriptors
from asteroid.labels.charge_and_spin import CLOSED_SHELL, ChargeAndSpin

if TYPE_CHECKING:
    from asteroid.deploy.record import CalibrationRecord, CardRecord
    from asteroid.deploy.region import Region
    from asteroid.labels.label_set import BoolArray, FloatArray, IntArray, LabelSet
    from asteroid.stages.potential import Potential


@dataclass(frozen=True, eq=False)
class Spread:
    """How far a committee of K models is apart: standard deviations over its members.

    Attributes:
        energy: [B] in eV.
        forces: [B, A, 3] in eV/Å.
    """

    energy: FloatArray
    forces: FloatArray


@dataclass(frozen=True, eq=False)
class ForceField:
    """What an exported folder holds.

    Attributes:
        level: level of theory that it stands for.
        cheap_level: the cheap method that runs at every prediction, or None.
        model: what predicts.
        committee: models trained alike on other labels or from other weights; they tell how sure the model is. May be
            empty.
        trained_on: geometries of its accurate labels, without the labels.
        card: what a reader must know of it.
        calibration: what is usual for it, where that is known.
        electrons: charge and spin of its molecules.
    """

    level: str
    cheap_level: str | None
    model: Potential
    committee: tuple[Potential, ...]
    trained_on: LabelSet
    card: CardRecord
    calibration: CalibrationRecord | None = None
    electrons: ChargeAndSpin = CLOSED_SHELL

    @cached_property
    def region(self) -> Region | None:
        """Where its training frames lie in descriptor space; None for several molecules."""
        known = self.trained_on
        if known.varied:
            return None
        layout = self.model.layout
        if layout is None:
            layout = make_layout(known.numbers, choose_descriptors(known.numbers, known.positions))
        return region_of(layout, known.positions)

    def is_outside(self, positions: FloatArray) -> BoolArray | None:
        """Whether frames [B, A, 3] in Å lie outside the training data; None where it is not known what is usual."""
        if self.calibration is None or self.region is None:
            return None
        return self.region.distances(positions) > self.calibration.distance_limit

    def check(self, numbers: IntArray, positions: FloatArray) -> None:
        """Refuse frames of another molecule, with atoms in another order or on top of each other.

        Args:
            numbers: atomic numbers [A].
            positions: [B, A, 3] in Å.

        Raises:
            InputError: an order of the atoms is offered where that is all.
        """
        refuse_unknown(self.trained_on, numbers, positions)

    def predict(self, numbers: IntArray, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Energies [B] in eV and forces [B, A, 3] in eV/Å of frames [B, A, 3] in Å of atoms [A].

        Raises:
            InputError: other atoms than it knows.
        """
        return self.model.energy_and_forces(numbers, positions)

    def spread(self, numbers: IntArray, positions: FloatArray) -> Spread | None:
        """How far the committee is apart at frames [B, A, 3] in Å of atoms [A]; None where it has not two members."""
        if len(self.committee) < 2:
            return None
        found = [member.energy_and_forces(numbers, positions) for member in self.committee]
        energy, forces = np.array([e for e, _ in found]), np.array([f for _, f in found])
        return Spread(energy.std(axis=0, ddof=1), forces.std(axis=0, ddof=1))

    def expected_force_error(self, numbers: IntArray, positions: FloatArray) -> FloatArray | None:
        """Error of each force component to expect from the committee's spread, [B, A, 3] in eV/Å; None without one."""
        if self.calibration is None or self.calibration.error_per_spread is None:
            return None
        found = self.spread(numbers, positions)
        return None if found is None else self.calibration.error_per_spread * found.forces
