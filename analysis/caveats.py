"""What a reader must know of an answer before acting on it: each caveat has a slug and a sentence."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Caveat(StrEnum):
    """A caveat; its value is the slug in `status` of JSON and CSV files.

    Attributes:
        sentence: what it means to somebody who is about to buy labels, without capital and full stop.
    """

    sentence: str

    def __new__(cls, slug: str, sentence: str) -> Caveat:
        """Make a member that is the slug."""
        member = str.__new__(cls, slug)
        member._value_ = slug
        member.sentence = sentence
        return member

    # Of a curve.
    NO_TEST_SET = (
        "no_test_set",
        "no test set: errors are cross-validated inside the bought labels, which all runs share",
    )
    FAILED_RUNS = ("failed_runs", "some runs of this curve failed and were left out")
    # Of its power law.
    ONE_SEED = (
        "one_seed",
        "one seed only: whether the power law fits cannot be tested, and the noise between runs is a guess",
    )
    LACK_OF_FIT = (
        "lack_of_fit",
        "the power law misses these runs by more than the noise between seeds, and by more than 5 %: its intervals are "
        "wider, and it speaks of twice the largest budget at most",
    )
    BENT_CURVE = (
        "bent_curve",
        "the misfit is too large for a good or bad draw of labels at some budgets: the curve bends, and its last "
        "budgets count most",
    )
    BUDGET_EFFECT = (
        "budget_effect",
        "the misfit looks like good or bad draws of labels that all seeds of a budget share",
    )
    OUTLYING_RUNS = (
        "outlying_runs",
        "some runs lie so far from the others of their budget that they hardly count: look at them",
    )
    FEW_BUDGETS = ("few_budgets", "fewer than 6 budgets: a floor is hard to tell from a slow decrease")
    FLOOR = (
        "floor",
        "the error levels off: more labels will soon stop helping (longer training or a larger model might)",
    )
    BOUND_HIT = ("bound_hit", "the slope lies at the edge of what is plausible: check the runs")
    # Of a curve without one.
    BUDGET_MISSED = (
        "budget_missed",
        "fitted without its largest budget, even a power law that may bend misses it: this curve is not extrapolated",
    )
    TOO_FEW_BUDGETS = ("too_few_budgets", "a power law needs at least 4 budgets")
    SAMPLED_BUDGETS_ONLY = (
        "sampled_budgets_only",
        "only budgets that were run are considered; a number between two of them might do",
    )
    # Of the surface of both kinds of labels.
    SURFACE_LACK_OF_FIT = (
        "surface_lack_of_fit",
        "the surface misses the runs by more than the noise between seeds: it is not used",
    )
    NEGATIVE_TRANSFER = (
        "negative_transfer",
        "cheap frames made errors larger at some budgets; those runs were left out of the surface",
    )
    NOT_CHECKED = ("not_checked", "too few budgets to check the surface on some of them: it is not used")
    HELD_OUT_MISSED = ("held_out_missed", "the surface misses budgets that were held out of its fit: it is not used")
    # Of an option to buy.
    EXTRAPOLATED = (
        "extrapolated",
        "more labels than any run of this sweep had: the number rests on the power law going on",
    )
    TRAINING_LIMIT = (
        "training_limit",
        "the target is not far above what the largest budget's runs leave on the labels that they trained on, and that "
        "grows with the labels: training, not labels, may be the limit (longer training or a larger model might help)",
    )
    SMALLEST_BUDGET = (
        "smallest_budget",
        "the smallest budget of this sweep is already enough; fewer labels might do, but were not tried",
    )
    BEYOND_POOL = ("beyond_pool", "more labels than the set holds for buying: further frames must be labelled")
    OVERLAPPING_SUBSETS = (
        "overlapping_subsets",
        "the largest budget is over half of the pool, so seeds share labels and agree too well",
    )
    USE_NOT_MEASURED = (
        "use_not_measured",
        "what a prediction costs was not measured for this strategy: the MD steps are not in its price",
    )
    INTERPOLATED_CHEAP = (
        "interpolated_cheap",
        "this number of cheap frames was not run: the surface between those that were tells it",
    )
    INTERPOLATED_COUNT = (
        "interpolated_count",
        "this number of labels of a lower level was not run: the runs with fewer and with more of them tell it",
    )
    # Of a purchase in rounds.
    CALM_LABELS = (
        "calm_labels",
        "the labels bought are calmer than the frames they were drawn from: their error is corrected upwards",
    )
    WILD_LABELS = (
        "wild_labels",
        "the labels bought are wilder than the frames they were drawn from: their error is corrected downwards",
    )
    TARGET_DOUBTFUL = (
        "target_doubtful",
        "the target may be out of reach: the error levels off, or the largest purchase considered is too small",
    )
    LIMIT_REACHED = ("limit_reached", "no more labels may be bought")
    # Of a plan without a choice.
    CANNOT_BE_PROMISED = ("cannot_be_promised", "no number of labels that may be considered meets the target")
    NOTHING_AFFORDABLE = ("nothing_affordable", "the smallest purchases of this sweep cost more than the price")
    # Of a whole run, which hold where nothing is chosen as well.
    UNFINISHED_RUN = (
        "unfinished_run",
        "the run is not finished: strategies and budgets that are still to come are not weighed",
    )
    FEW_TEST_LABELS = (
        "few_test_labels",
        "fewer than 30 test labels: their errors are known roughly, and a few odd frames decide",
    )
    CALM_TEST_DRAW = (
        "calm_test_draw",
        "the test frames are calmer than the cheap frames together (the data card has their z-scores): errors were "
        "raised accordingly, as far as cheap energies and forces tell",
    )
    WILD_TEST_DRAW = (
        "wild_test_draw",
        "the test frames are wilder than the cheap frames together (the data card has their z-scores): errors were "
        "lowered accordingly, as far as cheap energies and forces tell",
    )
    FARTHEST_LABELS = (
        "farthest_labels",
        "the accurate labels were chosen by farthest-point sampling: their subsets are spread more evenly than new "
        "random labels would be, so errors per label and extrapolations do not carry over to those",
    )
    FARTHEST_TEST = (
        "farthest_test",
        "the test labels were chosen by farthest-point sampling as well: the errors are those of spread-out frames, "
        "not of the frames that a simulation meets",
    )
    FARTHEST_CHEAP = (
        "farthest_cheap",
        "the cheap frames were chosen by farthest-point sampling: what they save does not carry over to frames as they "
        "are sampled",
    )
    UNSEEN_MOLECULES = (
        "unseen_molecules",
        "some test frames are of molecules that no label can be bought of: the errors are partly those of molecules "
        "unseen",
    )
    UNTESTED_MOLECULES = (
        "untested_molecules",
        "labels of some molecules are bought and no test frame is of them: the errors leave them out",
    )


def those_that_hold(conditions: Mapping[Caveat, bool]) -> tuple[Caveat, ...]:
    """The caveats whose condition is true, in the order given."""
    return tuple(caveat for caveat, holds in conditions.items() if holds)


def caveat_lines(caveats: Iterable[Caveat]) -> list[str]:
    """Each caveat as a line of text."""
    return [f"Caveat: {caveat.sentence}." for caveat in caveats]
