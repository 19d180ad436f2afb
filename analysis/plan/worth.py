"""What one more label of each level is worth at a purchase: by how much it lowers the error, and at which price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.curves.curve_key import AXES
from analysis.curves.evidence import fitted_draws
from analysis.surface.neighbours import slope_draws
from analysis.surface.surface import surface_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.curves.curve_key import Axis
    from analysis.plan.options import Candidate
    from analysis.plan.run_evidence import RunEvidence
    from analysis.surface.neighbours import Gap
    from asteroid.measured_errors import Measured

#: Quantiles of what is saved: median, and the ends of the 90 % interval.
_QUANTILES = (0.5, 0.05, 0.95)


@dataclass(frozen=True)
class LabelWorth:
    """One more label of one level, everything else as planned.

    Attributes:
        level: its level.
        n: labels of it that are planned.
        cpu_s: its price with all that comes with it (sampling, a cheap label at the same geometry).
        saved_ev_ang: how much lower the error of the mean run is with it: median, 5 % and 95 % quantile, eV/Å (of
            energies eV or eV per atom); below zero where it rises.
    """

    level: str
    n: int
    cpu_s: float
    saved_ev_ang: tuple[float, float, float]

    def saved_for(self, cpu_s: float) -> tuple[float, float, float] | None:
        """The same for so many CPU seconds of such labels, at this rate; None where they cost nothing."""
        if not self.cpu_s > 0:
            return None
        median, low, high = (saved * cpu_s / self.cpu_s for saved in self.saved_ev_ang)
        return median, low, high


def one_more_label(run: RunEvidence, candidate: Candidate, n_accurate: int) -> tuple[LabelWorth, ...]:
    """What one more label of each level is worth, the accurate one first.

    Accurate labels are told by the curve. Frames and labels below are told by the surface where one holds that knows
    the strategy, else by the next number of them that was run (upwards, or downwards from the largest), as a slope in
    its log. A level that nothing tells about is left out: one number of it was run, or its labels come with others.

    Args:
        run: what is known.
        candidate: what is planned.
        n_accurate: accurate labels planned.
    """
    price, key = candidate.price, candidate.key
    here = price.total(n_accurate)
    found = []
    if n_accurate and (logs := _log_errors(run, candidate, [n_accurate, n_accurate + 1])) is not None:
        more = price.total(n_accurate + 1) - here
        found.append(
            LabelWorth(price.prices.accurate, n_accurate, more, _quantiles(np.exp(logs[:, 0]) - np.exp(logs[:, 1])))
        )
    for axis in reversed(AXES):
        if n_accurate and (saved := _saved_by_lower(run, candidate, n_accurate, axis)) is not None:
            count = key.count(axis)
            one_more = price.with_lower(key.with_count(axis, count + 1).lower)
            level = key.intermediate_level if axis == "n_intermediate" else price.prices.level_of(key.lower)
            found.append(LabelWorth(level, count, one_more.total(n_accurate) - here, _quantiles(saved)))
    return tuple(found)


def worth_json(worth: LabelWorth, measured: Measured) -> dict[str, Any]:
    """One level as plain data, documented in docs/plan.md."""

    def named(saved: tuple[float, float, float] | None) -> dict[str, float] | None:
        return None if saved is None else dict(zip(("median", "p5", "p95"), saved, strict=True))

    return {
        "level": worth.level,
        "n": worth.n,
        "cpu_s": worth.cpu_s,
        f"saved_{measured.field}": named(worth.saved_ev_ang),
        f"saved_{measured.field}_per_cpu_s": named(worth.saved_for(1.0)),
    }


def _log_errors(run: RunEvidence, candidate: Candidate, budgets: list[int]) -> NDArray[np.float64] | None:
    """Draws of the log error of the mean run at numbers of accurate labels, [S, m]; None where no fit tells it."""
    key = candidate.key
    axis = next((axis for axis in AXES if candidate.curve.key.count(axis) != key.count(axis)), None)
    if axis is None:
        evidence = run.evidence_at(candidate.curve)
        return None if evidence.fit is None else fitted_draws(evidence, budgets)
    if (gap := _gap(run, candidate, axis)) is not None:
        return gap.log_error_draws(key.count(axis), budgets)
    surface = run.surface_with(key.way)
    return None if surface is None else surface_draws(surface, key.way, budgets, key.n_cheap)


def _saved_by_lower(run: RunEvidence, candidate: Candidate, n: int, axis: Axis) -> NDArray[np.float64] | None:
    """Draws of what one more label along an axis saves, [S]."""
    key, count = candidate.key, candidate.key.count(axis)
    if not count:
        return None
    if axis == "n_cheap" and (surface := run.surface_with(key.way)) is not None:
        errors = np.exp(surface_draws(surface, key.way, [n, n], [count, count + 1]))
        return np.asarray(errors[:, 0] - errors[:, 1])
    gap, logs = _gap(run, candidate, axis), _log_errors(run, candidate, [n])
    if gap is None or logs is None:
        return None
    slope = slope_draws(gap, count, n, seed=run.seed)
    return np.asarray(np.exp(logs[:, 0]) * -np.expm1(slope * np.log1p(1 / count)))


def _gap(run: RunEvidence, candidate: Candidate, axis: Axis) -> Gap | None:
    """The neighbours about a candidate's number of labels; those above it before those below."""
    count = candidate.key.count(axis)
    about = [
        gap
        for gap in run.gaps
        if gap.axis == axis
        and candidate.curve in (gap.fewer.curve, gap.more.curve)
        and gap.counts[0] <= count <= gap.counts[1]
    ]
    return about[-1] if about else None


def _quantiles(saved: NDArray[np.float64]) -> tuple[float, float, float]:
    median, low, high = (float(value) for value in np.quantile(saved, _QUANTILES))
    return median, low, high
