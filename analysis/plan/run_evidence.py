"""What a run has found, made in one place: plans, figures and reports that take it cannot disagree."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.caveats import Caveat
from analysis.curves.curve_key import labels_of
from analysis.curves.curves import competing_curves, curves_of
from analysis.curves.energy_errors import errors_of
from analysis.curves.evidence import evidence_of, seen_together
from analysis.plan.run_caveats import selection_caveats
from analysis.surface.neighbours import check_counts, gaps
from analysis.surface.transfer import surface_of_curves
from asteroid.measured_errors import Measured
from study.prices import PriceList

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.curves.curves import Curve
    from analysis.curves.evidence import Evidence
    from analysis.surface.neighbours import CountCheck, Gap
    from analysis.surface.surface import Surface
    from analysis.surface.transfer import SurfaceFit


@dataclass(frozen=True, eq=False)
class RunEvidence:
    """What is known of a run.

    Attributes:
        table: results table; of energies, with their errors (`analysis.curves.energy_errors`).
        prices: of the accurate and the cheap level.
        pool: accurate labels that the sweep's set has for buying; None: not known.
        surface: of both kinds of labels, which lets numbers of cheap frames compete that were not run; None: it is not
            asked, or there is none.
        caveats: of the whole run.
        seed: of the posterior draws.
        measured: what the errors are of.
        curves: those of the table that compete, where they are known; None: they are made when they are needed.
    """

    table: pd.DataFrame
    prices: PriceList
    pool: int | None = None
    surface: SurfaceFit | None = None
    caveats: tuple[Caveat, ...] = ()
    seed: int = 0
    measured: Measured = Measured.FORCES
    curves: tuple[Curve, ...] | None = None

    @functools.cached_property
    def competing(self) -> dict[str, Evidence]:
        """Evidence of the curves that compete for a purchase, seen together, by name, simplest strategy first.

        Raises:
            InputError: the table has no usable curve.
        """
        curves = competing_curves(curves_of(self.table)) if self.curves is None else self.curves
        labels = labels_of([curve.key for curve in curves])
        known = seen_together([evidence_of(curve, seed=self.seed) for curve in curves])
        return dict(zip(labels, known, strict=True))

    @functools.cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Neighbours among these curves: equal but for the number of labels of one lower level.

        Raises:
            InputError: the table has no usable curve.
        """
        return gaps(self.competing.values())

    @functools.cached_property
    def count_check(self) -> CountCheck | None:
        """How well such numbers are told from those on either side; None where no level has three of them.

        Raises:
            InputError: the table has no usable curve.
        """
        return check_counts(self.competing.values(), seed=self.seed)

    def evidence_at(self, curve: Curve) -> Evidence:
        """The evidence of one of the curves that compete."""
        return next(own for own in self.competing.values() if own.curve is curve)

    def surface_with(self, way: str) -> Surface | None:
        """The surface, where a plan may rest on it and it knows a strategy (`CurveKey.way`)."""
        fitted = self.surface
        return fitted.surface if fitted and fitted.usable and way in fitted.surface.cells.strategies else None

    @property
    def n_test(self) -> int:
        """Accurate test labels that the errors were measured with."""
        return int(self.table["n_test"].max())


def run_evidence(
    table: pd.DataFrame,
    manifest: Mapping[str, Any],
    prices: PriceList | None = None,
    *,
    measured: Measured = Measured.FORCES,
    with_surface: bool = True,
) -> RunEvidence:
    """Collect what a run has found.

    Args:
        table: results table as the run wrote it.
        manifest: of the run.
        prices: that replace those of the run.
        measured: what the errors are to be of.
        with_surface: whether to fit the surface of both kinds of labels.

    Raises:
        InputError: the table has no usable curve, or not the errors that are asked for.
    """
    unfinished = (Caveat.UNFINISHED_RUN,) if len(table) < manifest["rows"] else ()
    wanted = errors_of(table, measured, manifest.get("molecule", ""))
    curves = competing_curves(curves_of(wanted))
    return RunEvidence(
        table=wanted,
        measured=measured,
        prices=prices or PriceList.from_json(manifest["prices"]),
        pool=manifest["pool_size"],
        surface=surface_of_curves(curves) if with_surface else None,
        caveats=unfinished + selection_caveats(manifest),
        curves=curves,
    )
