"""What may be doubted about a plan, and the sentence for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


#: What each doubt means to somebody who is about to buy labels.
DOUBTS = {
    "extrapolated": "more labels than any run of this sweep had: the number rests on the power law going on",
    "smallest_budget": "the smallest budget of this sweep is already enough; fewer labels might do, but were not tried",
    "beyond_pool": "more labels than the set holds for buying: further frames must be labelled",
    "overlapping_subsets": "the largest budget is over half of the pool, so seeds share labels and agree too well",
    "lack_of_fit": "the power law misses these runs by more than the noise between seeds: it is not extrapolated",
    "bent_curve": "the misfit is too large for a good or bad draw of labels at some budgets: the curve bends",
    "budget_effect": "the misfit looks like good or bad draws of labels that all seeds of a budget share",
    "too_few_budgets": "a power law needs at least 4 budgets",
    "sampled_budgets_only": "only budgets that were run are considered; a number between two of them might do",
    "one_seed": "one seed only: whether the power law fits cannot be tested, and the noise between runs is a guess",
    "few_budgets": "fewer than 6 budgets: a floor is hard to tell from a slow decrease",
    "floor": "the error levels off: more labels will soon stop helping (longer training or a larger model might)",
    "bound_hit": "the slope lies at the edge of what is plausible: check the runs",
    "no_test_set": "no test set: errors are cross-validated inside the bought labels",
    "unfinished_run": "the run is not finished: strategies and budgets that are still to come are not weighed",
    "use_not_measured": "what a prediction costs was not measured for this strategy: the MD steps are not in its price",
    "interpolated_cheap": "this number of cheap frames was not run: the surface between those that were tells it",
    "negative_transfer": "cheap frames made errors larger at some budgets; those runs were left out of the surface",
    "farthest_labels": "the accurate labels were chosen by farthest-point sampling: their subsets are spread more "
    "evenly than new random labels would be, so errors per label and extrapolations do not carry over to those",
    "farthest_test": "the test labels were chosen by farthest-point sampling as well: the errors are those of "
    "spread-out frames, not of the frames that a simulation meets",
    "farthest_cheap": "the cheap frames were chosen by farthest-point sampling: what they save does not carry over to "
    "frames as they are sampled",
    "unseen_molecules": "some test frames are of molecules that no label can be bought of: the errors are partly those "
    "of molecules unseen",
    "untested_molecules": "labels of some molecules are bought and no test frame is of them: the errors leave them out",
    "failed_runs": "some runs of this curve failed and were left out",
}


#: Doubts about all curves, which hold where nothing is chosen as well.
OF_THE_RUN = (
    "unfinished_run",
    "farthest_labels",
    "farthest_test",
    "farthest_cheap",
    "unseen_molecules",
    "untested_molecules",
)


def doubt_lines(doubts: Sequence[str]) -> list[str]:
    """Each doubt as a sentence."""
    return [f"Doubt: {DOUBTS.get(doubt, doubt.replace('_', ' '))}." for doubt in doubts]
