"""Candidates for the cheap level, compared on a few accurate labels that are owned, before frames are sampled for any.

The error of a cheap method ranks nothing: what counts is how well a few labels tell what it misses. Each candidate's
labels are subtracted from the accurate ones, and sGDML on the difference is cross-validated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.cheap_methods import cheap_method, why_not
from asteroid.labelling.labeller import Failure, Label, Method, label_frame
from asteroid.labelling.open_labeller import open_labeller
from asteroid.labelling.paired_labels import cheap_labels_at
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.linear_system import SingularKernelError
from asteroid.models.sgdml.model import predict_kernel
from asteroid.models.sgdml.settings import KernelSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import FloatArray, LabelSet

#: Fewer labels tell nothing.
FEWEST = 10
#: Labels of all candidates together are not computed on the way where they take longer, CPU s.
LONGEST_CPU_S = 600.0
#: Folds of the error, and of the one with half of the labels, which shows how fast it falls.
FOLDS, HALVES = 10, 2
#: Standard errors of the paired difference within which two candidates are equally good.
EQUAL_WITHIN_SE = 2.0


@dataclass(frozen=True, eq=False)
class RankedLevel:
    """A candidate.

    Attributes:
        level: its slug.
        own_mae_ev_ang: what it misses of the accurate forces by itself.
        half_mae_ev_ang: cross-validated error of delta-learning with half of the labels.
        errors_ev_ang: that with nine tenths of them, on each label, [N].
        behind_ev_ang: how much larger the mean of these is than the best candidate's; 0 of that one.
        behind_se_ev_ang: standard error of that difference, paired by label.
        label_cpu_s: CPU seconds of a label, median; NaN where its file does not say.
    """

    level: str
    own_mae_ev_ang: float
    half_mae_ev_ang: float
    errors_ev_ang: FloatArray
    label_cpu_s: float
    behind_ev_ang: float = 0.0
    behind_se_ev_ang: float = 0.0

    @property
    def mae_ev_ang(self) -> float:
        """Cross-validated force MAE of delta-learning on it."""
        return float(self.errors_ev_ang.mean())

    @property
    def equal_to_the_best(self) -> bool:
        """Whether the labels do not tell it from the best."""
        return self.behind_ev_ang <= EQUAL_WITHIN_SE * self.behind_se_ev_ang


def cheap_labels_of(owned: LabelSet, level: str, electrons: ChargeAndSpin = CLOSED_SHELL) -> tuple[LabelSet, float]:
    """Labels of a level at the geometries of accurate ones, and the CPU seconds of one (median).

    Raises:
        InputError: the level cannot be run here, fails for a geometry or takes too long.
    """
    if (reason := why_not(level, electrons, declared=True)) is not None:
        raise InputError(f"{level} must run here to be compared: {reason}; or give its labels with --cheap")
    labeller = open_labeller(Method(level, *electrons), owned.numbers, owned.positions)
    made: list[Label] = []
    for frame, positions in enumerate(owned.positions):
        outcome = label_frame(labeller, positions)
        if isinstance(outcome, Failure):
            raise InputError(
                f"{level} is compared where it has a label of every geometry, failed at frame {frame} "
                f"({outcome.reason}): leave the level out"
            )
        made.append(outcome)
        if frame == 1 and outcome.cpu_s * len(owned) > LONGEST_CPU_S:  # the first one loads libraries
            raise InputError(
                f"{level} takes {outcome.cpu_s:.3g} s a label, too long for {len(owned)} of them on the way: make them "
                "with 'label' and give the file with --cheap, or lower --n"
            )
    energy, forces = np.array([one.energy_ev for one in made]), np.array([one.forces_ev_ang for one in made])
    labels = replace(owned, energy=energy, forces=forces, level=level, cpu_s=None)
    return labels, float(np.median([one.cpu_s for one in made]))


def cheap_labels_in(owned: LabelSet, file: LabelSet, electrons: ChargeAndSpin = CLOSED_SHELL) -> tuple[LabelSet, float]:
    """A file's labels at the geometries of accurate ones; those that it lacks are computed where that is possible.

    Raises:
        InputError: a geometry has no label and the level cannot be run, or is not the file's method.
    """
    method, reason = cheap_method(file.level, electrons), str(why_not(file.level, electrons))
    found = cheap_labels_at(owned, file, method, reason)
    return found, float("nan") if file.cpu_s is None else float(np.median(file.cpu_s))


def rank_cheap(owned: LabelSet, candidates: Sequence[tuple[LabelSet, float]]) -> list[RankedLevel]:
    """Compare candidates by what delta-learning on them leaves, best first.

    Args:
        owned: accurate labels of one molecule.
        candidates: labels of each at the same geometries, and the CPU seconds of one.

    Raises:
        InputError: too few labels, or labels that no kernel can be fitted to.
    """
    if len(owned) < FEWEST:
        raise InputError(
            f"comparing cheap levels takes at least {FEWEST} accurate labels, found {len(owned)}: buy more"
        )
    found = []
    for cheap, label_cpu_s in candidates:
        assert owned.forces is not None
        assert cheap.forces is not None
        errors, half = (_out_of_fold(owned, cheap, folds) for folds in (min(FOLDS, len(owned)), HALVES))
        own = float(np.abs(owned.forces - cheap.forces).mean())
        found.append(RankedLevel(cheap.level, own, float(half.mean()), errors, label_cpu_s))
    found.sort(key=lambda ranked: ranked.mae_ev_ang)
    behind = [ranked.errors_ev_ang - found[0].errors_ev_ang for ranked in found]
    return [
        replace(ranked, behind_ev_ang=float(d.mean()), behind_se_ev_ang=float(d.std(ddof=1) / np.sqrt(len(d))))
        for ranked, d in zip(found, behind, strict=True)
    ]


def recommended(ranked: Sequence[RankedLevel]) -> RankedLevel:
    """The candidate whose label costs least among those that are as good as the best; without a price, the best."""
    equal = [candidate for candidate in ranked if candidate.equal_to_the_best]
    priced = [candidate for candidate in equal if np.isfinite(candidate.label_cpu_s)]
    return min(priced, key=lambda candidate: candidate.label_cpu_s) if len(priced) == len(equal) else ranked[0]


def dear_candidates(accurate: LabelSet, ranked: Sequence[RankedLevel]) -> list[str]:
    """A note for each candidate that costs more than what it is to save."""
    if accurate.cpu_s is None:
        return []
    price = float(np.median(accurate.cpu_s))
    return [
        f"note: a label of {one.level} took {one.label_cpu_s:.3g} s, one of {accurate.level} {price:.3g} s: it is not "
        "the cheap one"
        for one in ranked
        if one.label_cpu_s >= price
    ]


def _out_of_fold(owned: LabelSet, cheap: LabelSet, folds: int) -> FloatArray:
    """Force MAE on each label (eV/Å, [N]) of sGDML that was fitted to the differences at the other folds' labels."""
    assert owned.energy is not None
    assert owned.forces is not None
    assert cheap.energy is not None
    assert cheap.forces is not None
    energy, forces = owned.energy - cheap.energy, owned.forces - cheap.forces
    fold, errors = np.arange(len(owned)) % folds, np.empty(len(owned))
    for held in range(folds):
        kept, scored = fold != held, fold == held
        try:
            fit = fit_kernel(owned.numbers, owned.positions[kept], energy[kept], forces[kept], KernelSettings(), 0)
        except SingularKernelError as error:
            raise InputError(f"no kernel fits what {cheap.level} leaves ({error}): check its labels") from error
        _, predicted = predict_kernel(fit.model, owned.numbers, owned.positions[scored])
        errors[scored] = np.abs(predicted - forces[scored]).mean(axis=(1, 2))
    return errors
