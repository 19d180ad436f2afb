"""Tables of runs and purchases with errors of energies in the place of errors of forces.

Whatever is made of such a table (curves, plans, figures, decisions) is of energies; its errors are in eV, or in eV per
atom, where names say eV/Å. The constant is free: one for each set of frames is taken out.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.measured_errors import Measured, free_of_constant, measured_in
from study.tables.levels import with_levels
from study.tables.out_of_fold import DIVISION_COLUMNS
from study.tables.results import validate_results

if TYPE_CHECKING:
    import pandas as pd

#: Column of force errors -> column of energy errors, of a results table.
_ENERGY_COLUMNS = {
    "test_force_mae_ev_ang": "test_energy_free_mae_ev",
    "test_force_mae_se_ev_ang": "test_energy_free_mae_se_ev",
    "cv_force_mae_ev_ang": "cv_energy_free_mae_ev",
    "cv_force_mae_se_ev_ang": "cv_energy_free_mae_se_ev",
    "cv_force_mae_shared_se_ev_ang": "cv_energy_free_mae_shared_se_ev",
}
#: What energies have no counterpart of.
_FORCES_ONLY = ("train_force_mae_ev_ang", "test_force_mae_adjusted_ev_ang", "test_force_mae_adjusted_se_ev_ang")
_FORMULA = re.compile(r"(?:[A-Z][a-z]?\d*)+")
_OPEN_ZERO = "zero of energy"
_NO_FORCES = (
    "a target on forces needs accurate labels with forces, found energies alone: give a target on energies, as in "
    "--target '0.5 kcal/mol', or --force-unit kcal/mol"
)


def atoms_per_molecule(molecule: str) -> int:
    """Number of atoms of a chemical formula.

    Raises:
        InputError: it is not that of one molecule.
    """
    if not _FORMULA.fullmatch(molecule):
        raise InputError(
            f"a target per atom needs one molecule, found {molecule}: give it for whole molecules, as in '0.5 kcal/mol'"
        )
    return sum(int(count or 1) for count in re.findall(r"[A-Z][a-z]?(\d*)", molecule))


def errors_of(table: pd.DataFrame, measured: Measured, molecule: str = "") -> pd.DataFrame:
    """A results table whose errors are those that are asked for.

    Args:
        table: results table.
        measured: what the errors are to be of.
        molecule: chemical formula, for errors per atom.

    Returns:
        The table; of energies, with their errors in the columns of the force errors.

    Raises:
        InputError: it has no such errors: of an earlier version, of one geometry, of molecules without a common zero of
            energy; or errors per atom of several molecules.
    """
    if not measured.of_energies:
        _refuse_without_forces(table)
        return table
    rows = validate_results(table)
    size = atoms_per_molecule(molecule) if measured is Measured.ENERGIES_PER_ATOM else 1
    taken = {old: rows[new] / size for old, new in _ENERGY_COLUMNS.items()}
    # Where labels have forces, the validation error that a temperature is chosen by is theirs; it need not be in eV.
    validation = rows["val_force_mae_ev_ang"].fillna(rows["val_energy_mae_ev"])
    found = rows.assign(**taken, **dict.fromkeys(_FORCES_ONLY, math.nan), val_force_mae_ev_ang=validation)
    _refuse_missing(rows, found)
    return found


def out_of_fold_errors_of(table: pd.DataFrame, measured: Measured, n_atoms: int | None = None) -> pd.DataFrame:
    """A table of out-of-fold errors whose errors are those that are asked for.

    Args:
        table: of `study.tables.out_of_fold`.
        measured: what the errors are to be of.
        n_atoms: of the molecule, for errors per atom.

    Returns:
        The table; of energies, with `force_mae_ev_ang` the error of a label's energy, the mean error of all labels of
        its division taken out. Where nothing is learned from accurate labels, rows are left out.

    Raises:
        InputError: a label's energy has no error (its zero is open), or the number of atoms is not known.
    """
    if not measured.of_energies:
        if not len(table) or table["force_mae_ev_ang"].notna().any():
            return table
        raise InputError(_NO_FORCES)
    rows = table[table["n_folds"] > 1]
    if len(rows) and not np.isfinite(rows["energy_error_ev"]).all():
        raise InputError(
            "an energy target needs one zero of energy for all labels, found labels of molecules whose zero the others "
            "leave open: give a target on forces"
        )
    if len(rows) and rows["n_labels"].min() < 2:
        raise InputError("an energy target compares geometries, found one label: begin with more")
    if measured is Measured.ENERGIES_PER_ATOM and n_atoms is None:
        raise InputError(
            "a target per atom needs the number of atoms, found none in a purchase of an earlier version: give it for "
            "whole molecules, as in '0.5 kcal/mol'"
        )
    size = n_atoms if measured is Measured.ENERGIES_PER_ATOM and n_atoms else 1
    errors = rows.groupby(with_levels(DIVISION_COLUMNS, rows), dropna=False, sort=False)["energy_error_ev"].transform(
        lambda own: free_of_constant(own.to_numpy(dtype=float))
    )
    return rows.assign(force_mae_ev_ang=errors / size)


def has_force_errors(table: pd.DataFrame) -> bool:
    """Whether a results table has errors of forces: not where accurate labels are energies alone."""
    names = ["test_force_mae_ev_ang", "cv_force_mae_ev_ang"]
    return bool(table[names].notna().to_numpy().any()) if set(names) <= set(table.columns) else True


def unit_of_errors(table: pd.DataFrame | None, unit: str) -> str:
    """The unit to show the errors of a results table in: of energies, where it has errors of energies alone."""
    alone = table is not None and not measured_in(unit).of_energies and _energies_alone(table)
    return Measured.ENERGIES.usual_unit if alone else unit


def _energies_alone(table: pd.DataFrame) -> bool:
    known = "val_energy_mae_ev" in table.columns and bool(table["val_energy_mae_ev"].notna().any())
    return known and not has_force_errors(table)


def _refuse_without_forces(table: pd.DataFrame) -> None:
    if _energies_alone(table):
        raise InputError(_NO_FORCES)


def _refuse_missing(rows: pd.DataFrame, found: pd.DataFrame) -> None:
    """Whether all finished rows that have force errors have energy errors too."""
    finished = rows[(rows["status"] == "ok").fillna(value=False)]
    # Without accurate labels there is nothing to cross-validate: no error of either kind.
    tested = bool(finished["test_force_mae_ev_ang"].notna().any())
    column = "test_force_mae_ev_ang" if tested else "cv_force_mae_ev_ang"
    wanted = finished if tested else finished[finished["budget"] > 0]
    missing = wanted[found.loc[wanted.index, column].isna()]
    if missing.empty:
        return
    if tested and wanted["n_test"].max() < 2:
        raise InputError(
            "an energy target compares geometries, found one test label: give more test labels, or a target on forces"
        )
    if missing["warnings"].str.contains(_OPEN_ZERO).fillna(value=False).any():
        row = missing.iloc[0]
        raise InputError(
            f"an energy target needs one zero of energy for all molecules, found {row['strategy']} with "
            f"{row['budget']} labels, which leave that of some test molecules open: give larger budgets, molecules of "
            "fewer elements, or a target on forces"
        )
    raise InputError(
        f"an energy target needs the column {_ENERGY_COLUMNS[column]}, found it empty, as in tables of earlier "
        "versions: repeat 'asteroid-study run' into the same folder, which keeps what is trained"
    )
