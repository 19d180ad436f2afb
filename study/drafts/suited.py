"""Strategies, budgets, numbers of frames and schedules that suit labels at hand: the defaults of a first study.

Schedules are those that this project's own learning curves were made with (`benchmarks/README.md`): of the quickstart
for molecules up to methanol's size, of the accurate setting on ethanol above, with a pretraining that takes a few
minutes (on ethanol, at 50 labels, 6,000 steps gave .41 kcal/mol/Å and 20,000 gave .36).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from study.drafts.found import Facts

#: From so many labels on a third of them can be kept aside as a test set; below, errors are cross-validated.
ENOUGH_FOR_TEST = 200
#: A learning curve needs so many labels; below, `buy` is what helps.
FEWEST_FOR_CURVE = 30
_TEST_SHARE = 0.3
_SMALLEST_BUDGET, _MOST_BUDGETS = 16, 6
#: Budgets end here, as a share of the pool: draws of different seeds should differ.
_LARGEST_SHARE = 0.7
_MOST_CHEAP, _FEW_CHEAP, _FEWEST_CHEAP = 4000, 500, 50
#: Atoms up to which the quickstart's schedules suffice, and up to which kernels are tried.
_SMALL, _KERNELS_UP_TO = 6, 21


@dataclass(frozen=True)
class Schedules:
    """Steps and learning rates of the stages."""

    identify: tuple[int, float]
    pretrain: tuple[int, float]
    residual: tuple[int, float]
    finetune: tuple[int, float]


@dataclass(frozen=True)
class Suited:
    """What suits.

    Attributes:
        strategies: in the order of the table of strategies.
        n_cheap: cheap frames bought, increasing.
        schedules: of all stages.
        budgets: accurate labels bought, increasing; empty for a purchase.
        test_groups: groups of the test set, where groups are kept aside.
        test_share: share of the labels that is kept aside; None: by groups, or nothing is (errors are cross-validated).
        balanced: whether labels are drawn balanced along their cheap energy.
        left_out: strategies that would suit if the cheap level computed here were that of the file.
    """

    strategies: tuple[str, ...]
    n_cheap: tuple[int, ...]
    schedules: Schedules
    budgets: tuple[int, ...] = ()
    test_groups: tuple[int, ...] = ()
    test_share: float | None = None
    balanced: bool = False
    left_out: tuple[str, ...] = ()


def suited_sweep(facts: Facts) -> Suited:
    """What suits a study of learning curves.

    Raises:
        InputError: there are too few labels or cheap frames.
    """
    if facts.n_accurate < FEWEST_FOR_CURVE:
        raise InputError(
            f"learning curves need at least {FEWEST_FOR_CURVE} accurate labels, found {facts.n_accurate}: "
            "draft a purchase with --buy"
        )
    groups, share = _test_set(facts)
    n_test = sum(facts.groups[group] for group in groups) if groups else round((share or 0) * facts.n_accurate)
    n_cheap = facts.n_cheap - sum(facts.cheap_of_group.get(group, 0) for group in groups)
    return Suited(
        strategies=_strategies(facts),
        n_cheap=_n_cheap(n_cheap),
        schedules=_schedules(facts),
        budgets=spaced_budgets(facts.n_accurate - n_test),
        test_groups=groups,
        test_share=share,
        balanced=not groups and share is None and facts.paired and not facts.unlabelled,
        left_out=_left_out(facts),
    )


def suited_purchase(facts: Facts, start: int) -> Suited:
    """What suits a purchase; half of the cheap frames at most is pretrained on, the others may be labelled.

    Raises:
        InputError: there are too few cheap frames.
    """
    least = 2 * (_FEWEST_CHEAP + start)
    if facts.n_cheap < least:
        raise InputError(
            f"a purchase chooses from cheap frames and pretrains on others, at least {least}, found {facts.n_cheap}: "
            "sample more, for instance with 'asteroid-study sample'"
        )
    return Suited(
        strategies=_strategies(facts),
        n_cheap=_n_cheap(facts.n_cheap // 2)[-1:],
        schedules=_schedules(facts),
        left_out=_left_out(facts),
    )


def spaced_budgets(pool: int) -> tuple[int, ...]:
    """Up to six budgets from 16 labels to 70 % of the pool, evenly spaced in their logs and rounded."""
    largest = int(_LARGEST_SHARE * pool)
    n = min(_MOST_BUDGETS, max(3, 1 + round(2 * (largest / _SMALLEST_BUDGET - 1) ** 0.5)))
    step = (largest / _SMALLEST_BUDGET) ** (1 / (n - 1))
    budgets = [_rounded(_SMALLEST_BUDGET * step**place) for place in range(n - 1)]
    return tuple(sorted({*budgets, _rounded(largest)}))


def _rounded(value: float) -> int:
    """To two digits."""
    unit = 10 if value >= 100 else 1
    return round(value / unit) * unit


def _test_set(facts: Facts) -> tuple[tuple[int, ...], float | None]:
    """Groups or a share to test on; neither where all labels are needed."""
    if facts.n_accurate < ENOUGH_FOR_TEST:
        return (), None
    wanted = _TEST_SHARE * facts.n_accurate
    if len(facts.groups) > 1:
        nearest = min(facts.groups, key=lambda group: (abs(facts.groups[group] - wanted), group))
        if 0.1 * facts.n_accurate <= facts.groups[nearest] <= 0.5 * facts.n_accurate:
            return (nearest,), None
    return (), _TEST_SHARE


def _strategies(facts: Facts) -> tuple[str, ...]:
    labels = {"unlabelled" if facts.unlabelled else "labelled", *(("energies alone",) if facts.energies_alone else ())}
    return tuple(
        entry.slug
        for entry in STRATEGIES.values()
        if labels & entry.drafted_with
        and not (entry.needs_forces and facts.energies_alone)
        and not (entry.cheap.labels_at_accurate and facts.unlabelled)
        and (facts.cheap_known or not entry.runs_cheap_method)
        and not (entry.one_composition and (facts.varied or facts.n_atoms > _KERNELS_UP_TO))
        and not (entry.learns_from_sampling and (facts.varied or not facts.temperature_k))
    )


def _left_out(facts: Facts) -> tuple[str, ...]:
    """Strategies that only the difference between the cheap level here and that of the file forbids."""
    if facts.cheap_differs is None:
        return ()
    drafted = _strategies(facts)
    return tuple(slug for slug in _strategies(replace(facts, cheap_differs=None)) if slug not in drafted)


def _n_cheap(available: int) -> tuple[int, ...]:
    """The most that is worth it, and few, to see what the difference is worth."""
    most = min(_MOST_CHEAP, available)
    if most < _FEWEST_CHEAP:
        raise InputError(
            f"pretraining needs at least {_FEWEST_CHEAP} cheap frames at geometries without an accurate label, "
            f"found {available}: sample more, for instance with 'asteroid-study sample'"
        )
    most = most // 100 * 100 if most >= 2 * _FEW_CHEAP else most
    return (_FEW_CHEAP, most) if most >= 2 * _FEW_CHEAP else (most,)


def _schedules(facts: Facts) -> Schedules:
    if facts.n_atoms <= _SMALL:
        return Schedules((3000, 0.007), (4000, 0.007), (2000, 0.005), (1500, 0.0007))
    return Schedules((6000, 0.007), (12000, 0.007), (4000, 0.005), (2000, 0.0005))
