"""Errors by molecule: what each strategy's error on a test set of several molecules is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.curves.curve_key import labels_of
from analysis.curves.curves import curves_of, representative_curves
from analysis.names import display_formula
from analysis.report.tables import TextTable
from asteroid.errors import InputError
from asteroid.units import force_unit_in_ev_ang
from study.tables.results import KEY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

#: Molecules with a row of their own, and those left out that are named.
_SHOWN, _NAMED = 12, 20
#: Rounding of a mean over frames taken molecule by molecule.
_TOLERANCE = 1e-6


def molecules_table(
    table: pd.DataFrame, molecules: pd.DataFrame | None, *, force_unit: str, shown: int = _SHOWN
) -> TextTable | None:
    """Mean error of each molecule over seeds, at the largest budget of one curve of each strategy.

    Args:
        table: results table.
        molecules: errors of each molecule (`study.tables.molecules`); None where there are none.
        force_unit: on display.
        shown: molecules that get a row, those with the most test frames.

    Returns:
        One row for each molecule and one for all, one column for each of `curves.representative_curves`; None where no
        run has errors by molecule.

    Raises:
        InputError: the table has no usable curve, the errors of molecules do not add up to those of the table, or the
            unit is not known.
    """
    scale = force_unit_in_ev_ang(force_unit)
    if molecules is None or not len(molecules):
        return None
    whole = table.loc[table["status"] == "ok", [*KEY_COLUMNS, "test_force_mae_ev_ang", "n_test"]]
    known = molecules.merge(whole, on=KEY_COLUMNS, suffixes=("", "_whole"))
    _refuse_another_sum(known)
    frames = known.groupby("molecule")[["n_atoms", "n_test"]].first()
    frames = frames.sort_values("n_test", ascending=False, kind="stable")
    named = [str(name) for name in frames.index[:shown]]
    curves = representative_curves(curves_of(table))
    heads, columns, n_seeds = [], [], set()
    for curve, label in zip(curves, labels_of([c.key for c in curves]), strict=True):
        own = known[curve.key.rows_in(known)]
        own = own[own["budget"] == own["budget"].max()]
        if len(own):
            seeds = own.drop_duplicates("seed")
            n_seeds.add(len(seeds))
            heads.append(label if curve.horizontal else f"{label}, {own['budget'].iloc[0]:,} labels")
            errors = [own.loc[own["molecule"] == name, "test_force_mae_ev_ang"] for name in named]
            errors.append(seeds["test_force_mae_ev_ang_whole"])
            columns.append([_mean_and_spread(error / scale) for error in errors])
    if not heads:
        return None
    about = [(display_formula(name), *(f"{count:,}" for count in frames.loc[name])) for name in named]
    about.append(("All molecules", "", f"{frames['n_test'].sum():,}"))
    caption = (
        f"Force MAE ({force_unit}) on the test frames of each molecule at the largest budget of each strategy, "
        + _over(n_seeds)
        + _left_out([str(name) for name in frames.index[shown:]])
    )
    rows = tuple((*first, *errors) for first, *errors in zip(about, *columns, strict=True))
    return TextTable(caption, ("Molecule", "Atoms", "Test frames", *heads), rows)


def _refuse_another_sum(known: pd.DataFrame) -> None:
    """Refuse errors whose mean over all frames is not that of the results, as after a file was changed or cut."""
    weighted = known.assign(sum=known["n_test"] * known["test_force_mae_ev_ang"])
    for key, run in weighted.groupby(KEY_COLUMNS, dropna=False, sort=False):
        n_test, whole = run["n_test"].sum(), run.iloc[0]
        mean = run["sum"].sum() / n_test
        mae = whole["test_force_mae_ev_ang_whole"]
        if n_test != whole["n_test_whole"] or not math.isclose(mean, mae, rel_tol=_TOLERANCE):
            raise InputError(
                f"errors by molecule in molecules.csv have the mean of the results, found {mean:g} eV/Å over {n_test} "
                f"frames for {mae:g} over {whole['n_test_whole']} in {dict(zip(KEY_COLUMNS, key, strict=True))}: "
                "repeat 'asteroid-study run'"
            )


def _over(n_seeds: set[int]) -> str:
    """What a cell is, in words."""
    if n_seeds == {1}:
        return "one seed"
    low, high = min(n_seeds), max(n_seeds)
    return f"mean over {high if low == high else f'{low} to {high}'} seeds ± standard deviation between them"


def _mean_and_spread(errors: pd.Series[float]) -> str:
    """Joined by spaces that do not break."""
    shown = [errors.mean(), errors.std(ddof=1)] if len(errors) > 1 else [errors.mean()]
    return "\u00a0±\u00a0".join(f"{x:#.{n}g}".rstrip(".") for x, n in zip(shown, (3, 2), strict=False))


def _left_out(names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    listed = ", ".join(map(display_formula, names[:_NAMED]))
    return f"; left out, with fewer test frames, but in molecules.csv: {listed}{more}"
