"""Answers to many questions beforehand: the number of labels for every target and confidence, prices left open.

A page that carries this table can plan without the posteriors: prices and use are sums over counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.plan.between import candidates_between
from analysis.plan.conditions import MAX_CONFIDENCE, MIN_CONFIDENCE, conditions_of
from analysis.plan.options import INTERVAL, curve_candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.plan.options import Candidate
    from analysis.plan.run_evidence import RunEvidence

#: Confidences in per cent that may be asked for, and the probabilities that are looked up: the lower end of the
#: interval first, as no confidence is so low; the upper end is one of them.
PER_CENT = range(round(100 * MIN_CONFIDENCE), round(100 * MAX_CONFIDENCE) + 1)
PROBABILITIES = (INTERVAL[0], *(per_cent / 100 for per_cent in PER_CENT))


@dataclass(frozen=True, eq=False)
class TabulatedOption:
    """One candidate of a plan, at every target.

    Attributes:
        candidate: what it is made of.
        between: whether it lies between the numbers of labels of a lower level that were run.
        n_accurate: labels with which a new run meets target t with probability p, [t, p]; -1 beyond the curve's range.
        probability: that it does with that number, [t, p]; NaN beyond the range.
        at_most: that it does with the most labels that the curve may speak about, [t].
        training_limit: whether a target is so near to what training leaves that more labels are of doubtful help, [t].
    """

    candidate: Candidate
    between: bool
    n_accurate: NDArray[np.int64]
    probability: NDArray[np.float64]
    at_most: NDArray[np.float64]
    training_limit: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PosteriorTable:
    """What a run knows, at every target and confidence.

    Attributes:
        run: the same as fitted curves.
        targets_ev_ang: force MAE, eV/Å, rising, [t].
        options: in the order in which a plan looks at them; the probabilities [p] are `PROBABILITIES`.
    """

    run: RunEvidence
    targets_ev_ang: tuple[float, ...]
    options: tuple[TabulatedOption, ...]


def posterior_table(run: RunEvidence, targets_ev_ang: Sequence[float]) -> PosteriorTable:
    """Ask every candidate of a plan for every target, as `labels_for_target.plan_target` asks for one.

    Args:
        run: what is known.
        targets_ev_ang: force MAE, eV/Å, rising.

    Raises:
        InputError: the table of the run has no usable curve.
    """
    conditions = conditions_of(run, None, 0.0)
    curves = curve_candidates(run, conditions)
    options = [_tabulated(own, targets_ev_ang, between=False) for own in curves]
    options += [_tabulated(own, targets_ev_ang, between=True) for own in candidates_between(run, conditions)]
    return PosteriorTable(run, tuple(targets_ev_ang), tuple(options))


def _tabulated(candidate: Candidate, targets_ev_ang: Sequence[float], *, between: bool) -> TabulatedOption:
    shape = len(targets_ev_ang), len(PROBABILITIES)
    n_accurate, probability = np.full(shape, -1, dtype=np.int64), np.full(shape, np.nan)
    at_most = np.empty(len(targets_ev_ang))
    for at, needed in enumerate(candidate.needed(targets_ev_ang)):
        own = candidate.labels(needed, PROBABILITIES)
        within = own >= 0
        n_accurate[at] = own
        probability[at, within] = needed.probabilities(own[within].astype(float))
        at_most[at] = needed.probabilities(np.array([float(math.floor(candidate.limit))]))[0]
    near = np.array([candidate.curve.near_training_error(target) for target in targets_ev_ang])
    return TabulatedOption(candidate, between, n_accurate, probability, at_most, near)
