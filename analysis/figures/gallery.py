"""All figures of a run, drawn, in the order of the page: small ones beside each other, the most detailed last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.figures import (
    bars,
    budget_map,
    cost,
    effective_labels,
    every_curve,
    gamma,
    importance,
    learning_curves,
    money,
    purchase,
    trials,
)
from analysis.figures.style import figure_style
from analysis.plan.run_caveats import selection_caveats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.caveats import Caveat
    from analysis.figures.picture import FigureInput, Picture

FIGURES = (
    purchase.FIGURE,
    learning_curves.FIGURE,
    cost.FIGURE,
    bars.FIGURE,
    effective_labels.FIGURE,
    budget_map.FIGURE,
    money.FIGURE,
    trials.FIGURE,
    gamma.FIGURE,
    importance.FIGURE,
    every_curve.FIGURE,
)


def draw_figures(given: FigureInput) -> list[Picture]:
    """Draw every figure that the run has data for, with the caveats of its labels.

    Raises:
        InputError: the table has no usable curve, not every strategy has the budget, or the unit is not known.
    """
    caveats = selection_caveats(given.manifest)
    pictures = []
    for kind in FIGURES:
        picture = kind.draw(given)
        if picture is not None:
            named = caveats if kind.caveats != "none" else ()
            pictures.append(_with_caveats(picture, named, above=kind.caveats == "above"))
    return pictures


def _with_caveats(picture: Picture, caveats: Sequence[Caveat], *, above: bool) -> Picture:
    """Say in the caption, and above the axes, what a reader must know of the labels: figures travel without a page."""
    short = [caveat.sentence.partition(":")[0] for caveat in caveats]
    if above and short:
        with figure_style():
            picture.figure.suptitle("\n".join(short), fontsize="x-small")
    return replace(picture, caption=" ".join([picture.caption, *(f"{words.capitalize()}." for words in short)]))
