"""Energies without forces against the geometries they belong to, by springs fitted to forces of another level.

Without forces nothing in a set contradicts a wrong energy. Springs that the cheap level's forces give miss a part of
every energy, and far less than another unit or a wrong number makes of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.single_frames import ENERGY_OFF_EV, ENERGY_OFF_TIMES, MISFIT_MAX, SHARE_OF_SET, BrokenFrame
from asteroid.checks.springs import fit_springs
from asteroid.errors import InputError
from asteroid.labels.compositions import frame_name
from asteroid.labels.matching import match_geometries

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, LabelSet

#: Frames of the other level that springs are fitted to, at most, and frames that are judged, at least.
_FITTED_MAX, _JUDGED_MIN = 500, 12
#: Energies vary between so many times what springs say, where so many frames tell: twelve real sets 0.2 to 2.6 times,
#: those in Hartree that are taken for eV 0.01 to 0.09 times.
_VARIATION, _VARYING_MIN = (0.1, 8.0), 20
#: Rank correlation with energies of the other level at the same geometries, at least, where so many are known: real
#: levels have 0.65 and more (300 draws of 20 of ten pairs of sets), rows in another order 0 ± 0.23.
_ALIKE_MIN, _PAIRED_MIN = 0.4, 20


def refuse_energies_alone(labels: LabelSet, cheap: LabelSet, source: str) -> None:
    """Refuse energies that contradict what the forces of another level make of their geometries.

    Args:
        labels: energies without forces of one molecule; sets of several are not compared.
        cheap: labels with forces of the same atoms in the same order.
        source: a name of the energies for messages.

    Raises:
        InputError: they vary far more or less, or single ones are far off.
    """
    wrong = wrong_energies(labels, cheap, source)
    if wrong:
        more = f" ({len(wrong)} such frames)" if len(wrong) > 1 else ""
        raise InputError(
            f"frame {frame_name(labels, wrong[0].row)} of {source} {wrong[0].what}{more}, {wrong[0].cause}: correct or "
            f"remove {'it' if len(wrong) == 1 else 'them'}, or set outliers: drop"
        )


def wrong_energies(labels: LabelSet, cheap: LabelSet, source: str) -> tuple[BrokenFrame, ...]:
    """Single frames whose energy is far off; arguments as in `refuse_energies_alone`.

    Raises:
        InputError: energies vary far more or less than they should, or do not follow those of the other level.
    """
    _refuse_another_order(labels, cheap, source)
    spring_ev = _spring_energies(labels, cheap)
    if spring_ev is None:
        return ()
    assert labels.energy is not None
    judged = np.flatnonzero(np.isfinite(spring_ev))
    energy, expected = (_from_median(values[judged]) for values in (labels.energy, spring_ev))
    variation = float(np.median(np.abs(energy)) / max(float(np.median(np.abs(expected))), 1e-12))
    if len(judged) >= _VARYING_MIN and not _VARIATION[0] <= variation <= _VARIATION[1]:
        raise InputError(
            f"energies of {source} must vary as the forces of {cheap.level} say, found {variation:.3g} times that: "
            "declare energy_unit, or correct the files"
        )
    off = _from_median(energy - expected)
    limit = max(ENERGY_OFF_EV, ENERGY_OFF_TIMES * 1.4826 * float(np.median(np.abs(off))))
    wrong = np.flatnonzero(np.abs(off) > limit)
    if len(wrong) > max(1.0, SHARE_OF_SET * len(judged)):
        return ()
    what = "must have an energy that fits its geometry, found it {:+.3g} eV off"
    cause = "a wrong number or another frame's"
    return tuple(BrokenFrame(int(judged[at]), what.format(off[at]), cause) for at in wrong)


def _refuse_another_order(labels: LabelSet, cheap: LabelSet, source: str) -> None:
    """Refuse energies that do not follow those of the other level where both know the geometry: rows are mixed up."""
    if labels.varied or cheap.varied or cheap.energy is None:
        return
    assert labels.energy is not None
    rows, others = match_geometries(labels, cheap)
    if len(rows) < _PAIRED_MIN:
        return
    ranks = np.stack([labels.energy[rows], cheap.energy[others]]).argsort(axis=1).argsort(axis=1)
    alike = float(np.corrcoef(ranks[0], ranks[1])[0, 1])
    if alike < _ALIKE_MIN:
        raise InputError(
            f"energies of {source} must rise and fall with those of {cheap.level} at the same geometries, found a rank "
            f"correlation of {alike:.2f} over {len(rows)} frames: check the key and the order of rows"
        )


def _spring_energies(labels: LabelSet, cheap: LabelSet) -> FloatArray | None:
    """What springs say, shape [N], from any zero; NaN where bonds are broken, None where they do not tell."""
    if labels.varied or cheap.varied or not np.array_equal(labels.numbers, cheap.numbers):
        return None
    fitted = cheap.select(np.arange(min(len(cheap), _FITTED_MAX)))
    assert labels.energy is not None
    assert fitted.energy is not None
    assert fitted.forces is not None
    n = len(fitted)
    together = replace(
        fitted,
        positions=np.concatenate([fitted.positions, labels.positions]),
        energy=np.r_[fitted.energy, labels.energy],
        forces=np.concatenate([fitted.forces, np.zeros_like(labels.positions)]),
        cpu_s=None,
        group=None,
        frame_id=np.arange(n + len(labels)),
    )
    fit = fit_springs(together, np.arange(len(together)) < n, MISFIT_MAX)
    if fit is None or np.count_nonzero(fit.applies[n:]) < _JUDGED_MIN:
        return None
    # Zero forces stand where none are known: the springs are told by the others alone.
    found: FloatArray = np.where(fit.applies[n:], labels.energy - fit.energy_off_ev[n:], np.nan)
    return found


def _from_median(values: FloatArray) -> FloatArray:
    found: FloatArray = values - np.median(values)
    return found
