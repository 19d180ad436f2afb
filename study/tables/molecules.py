"""The table of molecules: test errors of each molecule of a test set of several; columns, validation, file.

Light on purpose, like `study.tables.results`: a report reads it without loading torch.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from asteroid.errors import InputError
from study.counts import LEVEL_COLUMNS
from study.digests import file_with_digest, read_intact
from study.tables.csv_files import write_csv
from study.tables.dtypes import with_dtypes
from study.tables.levels import level_columns, settled, with_levels
from study.tables.results import COLUMNS, KEY_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

MOLECULES_FILE = "molecules.csv"

#: name -> (dtype, meaning). Forces in eV/Å.
MOLECULE_COLUMNS: dict[str, tuple[str, str]] = {
    **{name: COLUMNS[name] for name in KEY_COLUMNS},
    "molecule": ("string", "chemical formula; isomers count as one"),
    "n_atoms": ("int64", "atoms of a frame of it"),
    "n_test": ("int64", "accurate test labels of it"),
    "test_force_mae_ev_ang": ("float64", "force MAE on these, mean over atoms and components"),
    "test_force_mae_se_ev_ang": ("float64", "its standard error from the choice of test frames; NaN for one frame"),
}


def molecules_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table with the columns and dtypes of the schema, in a fixed order.

    Raises:
        InputError: as `validate_molecules`.
    """
    frame = validate_molecules(pd.DataFrame(rows, columns=None if rows else list(MOLECULE_COLUMNS)))
    return frame.sort_values([*with_levels(KEY_COLUMNS, frame), "molecule"], kind="stable", ignore_index=True)


def validate_molecules(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a table of molecules; returns it with the schema's columns, order and dtypes.

    Raises:
        InputError: a column is missing or unknown, a value does not fit its column, a molecule has no atoms or no test
            frames, an error is negative, or two rows share a key and a molecule.
    """
    frame = settled(frame)
    columns = MOLECULE_COLUMNS | {name: LEVEL_COLUMNS[name] for name in level_columns(frame)}
    missing = [name for name in columns if name not in frame.columns]
    unknown = [str(name) for name in frame.columns if name not in columns]
    if missing or unknown:
        raise InputError(
            f"{MOLECULES_FILE} has fixed columns; missing: {missing}, unknown: {unknown}: repeat 'asteroid-study run'"
        )
    try:
        typed = with_dtypes(frame, {name: dtype for name, (dtype, _) in columns.items()})
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{MOLECULES_FILE} holds a value that does not fit its column ({' '.join(str(error).split())}): repeat "
            "'asteroid-study run'"
        ) from error
    for name, least in (("n_atoms", 1), ("n_test", 1), ("test_force_mae_ev_ang", 0), ("test_force_mae_se_ev_ang", 0)):
        if (typed[name] < least).any():
            raise InputError(
                f"the column {name!r} of {MOLECULES_FILE} is at least {least}, found {typed[name].min():g}: repeat "
                "'asteroid-study run'"
            )
    key = [*with_levels(KEY_COLUMNS, typed), "molecule"]
    doubled = typed.duplicated(subset=key)
    if doubled.any():
        row = typed.loc[doubled, key].iloc[0].to_dict()
        raise InputError(
            f"{MOLECULES_FILE} has one row per row of the results and molecule; found twice: {row}: repeat "
            "'asteroid-study run'"
        )
    return typed


def write_molecules(frame: pd.DataFrame, folder: Path) -> None:
    """Write `molecules.csv`, with its digest, complete or not at all.

    Raises:
        InputError: as `validate_molecules`.
    """
    write_csv(validate_molecules(frame), folder / MOLECULES_FILE, file_with_digest)


def read_molecules(folder: Path) -> pd.DataFrame | None:
    """Read the errors of each molecule of a run folder; None where there are none, as for one molecule.

    Raises:
        InputError: the file is damaged or not as the run wrote it, or as `validate_molecules`.
    """
    path = folder / MOLECULES_FILE
    if not path.is_file():
        return None
    # With types, as a count of 12.5 would pass for 12; floats as Python reads them, exact in every release of pandas.
    dtypes = {name: dtype for name, (dtype, _) in MOLECULE_COLUMNS.items() if dtype != "float64"}
    floats = {name: _number for name, (dtype, _) in MOLECULE_COLUMNS.items() if dtype == "float64"}
    content = read_intact(path, "repeat 'asteroid-study run', which writes it anew")
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=dtypes, converters=floats, keep_default_na=False)
    except Exception as error:  # whatever pandas raises for a damaged file
        raise InputError(f"{path} is damaged ({' '.join(str(error).split())}): repeat 'asteroid-study run'") from error
    return validate_molecules(frame)


def _number(text: str) -> float:
    return float(text or "nan")
