"""What bought labels must pass before they are kept: all guards of label files, and a comparison with cheap forces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.energies_alone import refuse_energies_alone
from asteroid.checks.guards import check_labels
from asteroid.checks.steady_pulls import without_steady_pulls
from asteroid.errors import InputError
from asteroid.units import ENERGY_IN_EV, LENGTH_IN_ANG

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet

#: Cheap methods miss the size of forces by a tenth or two; units miss it by a factor of two and more.
_SCALE_RANGE = (0.6, 1.7)
_LEAST_CORRELATION = 0.5
#: Forces are compared once there are so many of their components.
_FEWEST_COMPONENTS = 30
#: Forces below this are what programs leave of zero.
_NOISE_EV_ANG = 1e-4
#: What to do about a label that the others contradict.
_OUTLIERS = (
    "correct its output, or remove it and run again with --give-up; if it is sound (the molecule reacts, or swings far "
    "out), set outliers: keep under 'buy'"
)
#: Factor by which forces are wrong -> what they are in.
_MISTAKES = {
    1 / ENERGY_IN_EV["Hartree"]: "Hartree/Å taken for eV/Å",
    LENGTH_IN_ANG["Bohr"] / ENERGY_IN_EV["Hartree"]: "Hartree/Bohr taken for eV/Å",
    1 / LENGTH_IN_ANG["Bohr"]: "eV/Bohr and eV/Å confused",
    LENGTH_IN_ANG["Bohr"]: "eV/Bohr and eV/Å confused",
    1 / ENERGY_IN_EV["kcal/mol"]: "kcal/mol/Å taken for eV/Å",
}


def check_bought(
    labels: LabelSet,
    cheap: LabelSet | None,
    source: str,
    *,
    energies_alone: bool = False,
    unit_stated: bool = False,
    keep_outliers: bool = False,
) -> tuple[str, ...]:
    """Refuse labels that cannot be trained on, or that are in another unit or of another sign than they should be.

    Args:
        labels: all labels owned, new ones included.
        cheap: cheap labels at the same geometries, in the same order, where they are known.
        source: a name for messages.
        energies_alone: labels have no forces.
        unit_stated: the study file states the unit of forces: their size is believed, whatever the cheap level's is.
        keep_outliers: note single frames that the others contradict, instead of refusing them.

    Returns:
        what is noted of such frames.

    Raises:
        InputError: as `asteroid.checks.guards.check_labels`, forces do not have the size or the sign of the cheap
            ones, or energies alone do not fit what these make of their geometries.
    """
    if cheap is not None and cheap.forces is not None and labels.forces is not None:
        _compare(labels, cheap, source, sized=not unit_stated)
    checked = check_labels(
        labels, source, energies_alone=energies_alone, keep_outliers=keep_outliers, outlier_remedy=_OUTLIERS
    )
    if labels.forces is None and cheap is not None and cheap.forces is not None:
        refuse_energies_alone(labels, cheap, source)
    return checked.outliers


def _compare(labels: LabelSet, cheap_labels: LabelSet, source: str, *, sized: bool) -> None:
    assert labels.forces is not None
    assert cheap_labels.forces is not None
    if labels.forces.size < _FEWEST_COMPONENTS or not np.isfinite(labels.forces).all():
        return
    level = cheap_labels.level
    forces, cheap = without_steady_pulls(labels.positions, labels.forces, cheap_labels.forces)
    if not (np.abs(forces).max() > _NOISE_EV_ANG and np.abs(cheap).max() > _NOISE_EV_ANG):
        return
    correlation = float(forces @ cheap / np.sqrt((forces @ forces) * (cheap @ cheap)))
    scale = float(np.sqrt((forces @ forces) / (cheap @ cheap)))
    if correlation < -_LEAST_CORRELATION:
        raise InputError(
            f"forces of {source} point against those of {level} (correlation {correlation:.2f}): they are gradients; "
            "add forces_are: gradients"
        )
    if correlation < _LEAST_CORRELATION:
        raise InputError(
            f"forces of {source} must resemble those of {level} at the same geometries, found a correlation of "
            f"{correlation:.2f}: check level, charge and the order of atoms"
        )
    if sized and not _SCALE_RANGE[0] <= scale <= _SCALE_RANGE[1]:
        near = min(_MISTAKES, key=lambda factor: abs(np.log(scale / factor)))
        guess = f" ({_MISTAKES[near]}?)" if abs(np.log(scale / near)) < 0.3 else ""
        raise InputError(
            f"forces of {source} must have the size of those of {level}, found {scale:.3g} times it{guess}: declare "
            "force_unit, which is then believed"
        )
