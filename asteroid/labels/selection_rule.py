"""How the labels of a file were chosen, where that was not at random."""

from __future__ import annotations

from typing import Literal

SelectionRule = Literal["all", "random", "farthest"]


KEY = "selection_rule"


#: What is to be said of labels that were chosen by farthest-point sampling, wherever they are shown.
FARTHEST_NOTE = (
    "selection: farthest-point sampling, not at random: subsets are spread more evenly than new random labels would "
    "be, so errors per label and extrapolations do not carry over to those"
)


FARTHEST_TEST_NOTE = (
    "note: the test labels were chosen by farthest-point sampling as well: errors are those of spread-out frames, not "
    "of the frames that a simulation meets"
)


def combined_rule(of_geometries: SelectionRule | None, rule: SelectionRule) -> SelectionRule:
    """The rule of labels chosen by `rule` among geometries that were chosen themselves: spread out stays spread out."""
    if "farthest" in (of_geometries, rule):
        return "farthest"
    return rule if of_geometries is None or rule == "random" else of_geometries
