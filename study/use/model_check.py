"""A force field beside a level of theory: relaxed geometry and harmonic frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.dynamics.normal_modes import relaxed_with_modes
from asteroid.dynamics.watched_dynamics import Settings, first_state, run
from asteroid.errors import InputError
from asteroid.labelling.labeller import Method
from asteroid.labelling.levels import computable_level
from asteroid.labelling.open_labeller import open_labeller
from asteroid.labels.matching import kabsch

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.deploy.force_field import ForceField
    from asteroid.dynamics.normal_modes import Relaxed
    from asteroid.labelling.labeller import Labeller
    from asteroid.labels.label_set import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class ModelCheck:
    """A minimum of the model, and of a level of theory where one was asked.

    Attributes:
        model: of the model.
        level: slug of the level, or None.
        reference: of that level, from the model's minimum.
        rmsd_ang: between both geometries laid onto each other; NaN without a level.
        frequency_mae: mean absolute difference of the frequencies in cm^-1; NaN without a level.
    """

    model: Relaxed
    level: str | None
    reference: Relaxed | None
    rmsd_ang: float
    frequency_mae: float


def check_model(
    force_field: ForceField,
    numbers: IntArray,
    start: FloatArray,
    level: str | None,
    on_label: Callable[[], None] = lambda: None,
) -> ModelCheck:
    """Relax a molecule and find its frequencies with a model, and with a level of theory to compare with.

    Args:
        force_field: the model.
        numbers: atomic numbers [A].
        start: where to begin, [A, 3] in Å.
        level: slug of a level that can be computed here, or None.
        on_label: called after every label of the level's differences.

    Raises:
        InputError: another molecule, no such level, or no minimum.
    """
    force_field.check(numbers, start[None])
    reference = (
        None
        if level is None
        else open_labeller(Method(computable_level(level), *force_field.electrons), numbers, start[None])
    )
    own = relaxed_with_modes(model_labeller(force_field, numbers), numbers, start)
    if reference is None or level is None:
        return ModelCheck(own, None, None, float("nan"), float("nan"))
    other = relaxed_with_modes(reference, numbers, own.positions, on_label)
    if len(own.frequencies) != len(other.frequencies):
        raise InputError(
            f"frequencies are compared mode by mode, found {len(own.frequencies)} of the model and "
            f"{len(other.frequencies)} of {level}, as one of the two minima is linear and the other is not: check the "
            "model without --level, and buy more labels"
        )
    _, rmsd = kabsch(own.positions[None], other.positions[None])
    apart = float(np.abs(own.frequencies - other.frequencies).mean())
    return ModelCheck(own, computable_level(level), other, float(rmsd[0]), apart)


def model_labeller(force_field: ForceField, numbers: IntArray) -> Labeller:
    """A force field as a function of positions [A, 3] in Å."""

    def label(positions: FloatArray) -> tuple[float, FloatArray]:
        energy, forces = force_field.predict(numbers, positions[None])
        return float(energy[0]), forces[0]

    return label


def nve_drift(force_field: ForceField, numbers: IntArray, start: FloatArray, time_fs: float) -> float:
    """Slope of the total energy in meV/atom/ps, at 300 K after .5 ps with a thermostat, .5 fs a step.

    Raises:
        InputError: the integration fails.
    """
    steps = max(round(time_fs / 0.5), 3)
    settings = Settings(300.0, 0.5, steps, max(steps // 200, 1), 1000, thermostat=False, friction_per_fs=0.01, seed=0)
    seen = [found for _, found in run(force_field, numbers, first_state(numbers, start, settings), settings)]
    times, total = (np.array(values) for values in zip(*((own.time_ps, own.total_ev) for own in seen), strict=True))
    return float(np.polyfit(times, total, 1)[0]) * 1000 / len(numbers)
