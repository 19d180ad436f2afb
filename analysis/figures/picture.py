"""What a figure of a run is: what it is drawn from, what is drawn, and the words that go with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from analysis.names import display_level
from asteroid.measured_errors import error_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.plan.labels_for_target import TargetPlan
    from analysis.plan.run_evidence import RunEvidence
    from study.prices import PriceList


@dataclass(frozen=True, eq=False)
class FigureInput:
    """What figures of a run are drawn from.

    Attributes:
        manifest: of the run.
        prices: of the accurate and the cheap level.
        run: what is known from its results table; None where it only searched.
        plan: with a target, for the map of the budget and for the line of the target.
        trials: as `study.tables.trials.read_trials` returns them, if any.
        importances: as `study.tables.trials.read_importances` returns them, if any.
        rounds: of a purchase, as `study.tables.rounds.read_rounds` returns them, if any.
        force_unit: of the error axes.
        budget: of the bars; None: the largest that all strategies share.
        wide: curves and costs for two columns of a journal page instead of one.
    """

    manifest: Mapping[str, Any]
    prices: PriceList
    run: RunEvidence | None = None
    plan: TargetPlan | None = None
    trials: pd.DataFrame | None = None
    importances: pd.DataFrame | None = None
    rounds: pd.DataFrame | None = None
    force_unit: str = "kcal/mol/Å"
    budget: int | None = None
    wide: bool = False

    @property
    def level(self) -> str:
        """Name of the accurate level."""
        return display_level(self.manifest["level_accurate"])

    @property
    def scale(self) -> float:
        """The unit of the error axes in eV/Å.

        Raises:
            InputError: the unit is not known.
        """
        return error_unit(self.force_unit)


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn figure.

    Attributes:
        figure: the picture.
        data: the numbers behind it.
        title: a heading for it.
        caption: one sentence that says how to read it.
        alt: what it shows, for readers who do not see it.
        stem: name of its files.
    """

    figure: Figure
    data: pd.DataFrame
    title: str
    caption: str
    alt: str
    stem: str = ""


@dataclass(frozen=True)
class RunFigure:
    """A figure that a run may have.

    Attributes:
        stem: name of its files.
        make: draws it; None where the run has no data for it.
        caveats: where caveats of the labels stand: in the caption, also above the axes (figures of errors against
            labels, which travel without a page), or nowhere.
    """

    stem: str
    make: Callable[[FigureInput], Picture | None]
    caveats: Literal["caption", "above", "none"] = "caption"

    def draw(self, given: FigureInput) -> Picture | None:
        """Draw it, if the run has data for it.

        Raises:
            InputError: what is given cannot be drawn.
        """
        picture = self.make(given)
        return None if picture is None else replace(picture, stem=self.stem)
