"""The table of out-of-fold errors: each owned label, scored by models that never saw it; columns, validation, files.

Light on purpose, like `study.tables.results`: `analysis` reads it without loading torch. One *look* at an order of
purchase is all rows of one `n_labels`: every one of its labels is scored once in each division into folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asteroid.errors import InputError
from study.counts import LEVEL_COLUMNS
from study.digests import file_with_digest, read_intact
from study.tables.csv_files import write_csv
from study.tables.dtypes import with_dtypes
from study.tables.levels import level_columns, settled, with_levels
from study.tables.parquet_files import table_of
from study.tables.results import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1
OUT_OF_FOLD_FILE = "out_of_fold.parquet"

#: name -> (dtype, meaning). Forces in eV/Å, energies in eV.
OUT_OF_FOLD_COLUMNS: dict[str, tuple[str, str]] = {
    **{name: COLUMNS[name] for name in ("strategy", "gamma_rel", "schedule", "n_cheap")},
    "seed": ("int64", "seed of the order of purchase, of the weights and of the batches; one in a purchase"),
    "n_labels": ("int64", "accurate labels owned, training and validation together"),
    "n_folds": (
        "int64",
        "parts that they are divided into; a model is trained on all but one. 1: on none, as without accurate labels",
    ),
    "split": ("int64", "which division into folds, from 0"),
    "label": ("int64", "the scored label's place in the order of purchase, from 0: one label at every look"),
    "force_mae_ev_ang": (
        "float64",
        "mean absolute force component error of that frame, by the model without it; NaN of a label that is an energy "
        "alone",
    ),
    "energy_error_ev": ("float64", "predicted minus accurate energy of it; NaN where the zero of energy is open"),
    "cheap_energy_ev": ("float64", "cheap energy of the frame, the control variate; NaN where it is not known"),
    "cheap_force_ev_ang": ("float64", "mean absolute cheap force component of the frame; NaN where it is not known"),
    "pool_cheap_energy_ev": ("float64", "mean of cheap_energy_ev over the frames that labels are drawn from, or NaN"),
    "pool_cheap_force_ev_ang": ("float64", "mean of cheap_force_ev_ang over these, or NaN"),
}

#: A column that tables have where labels were drawn balanced, and only there.
BALANCED_COLUMN: dict[str, tuple[str, str]] = {
    "balanced": ("bool", "whether the labels were drawn balanced along cheap_energy_ev"),
}
KEY_COLUMNS = ["strategy", "gamma_rel", "schedule", "n_cheap", "seed", "n_labels", "n_folds", "split", "label"]
#: What one division into folds has in common.
DIVISION_COLUMNS = KEY_COLUMNS[:-1]
_POOL_COLUMNS = ["pool_cheap_energy_ev", "pool_cheap_force_ev_ang"]


def out_of_fold_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table with the columns and dtypes of the schema, in a fixed order.

    Raises:
        InputError: as `validate_out_of_fold`.
    """
    return validate_out_of_fold(pd.DataFrame(rows, columns=None if rows else list(OUT_OF_FOLD_COLUMNS)))


def validate_out_of_fold(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a table of out-of-fold errors; returns it with the schema's columns and dtypes, sorted by its key.

    Raises:
        InputError: a column is missing or unknown, a value does not fit its column, a count is out of range, a force
            error is not positive and finite and the label is no energy alone, two rows share a key, a division scores
            some of its labels only, or a mean over the pool differs between rows.
    """
    frame = _drawn(settled(frame))
    columns = OUT_OF_FOLD_COLUMNS | {name: LEVEL_COLUMNS[name] for name in level_columns(frame)}
    if is_balanced(frame):
        columns |= BALANCED_COLUMN
    missing = [name for name in columns if name not in frame.columns]
    unknown = [str(name) for name in frame.columns if name not in columns]
    if missing or unknown:
        raise _refusal(f"has the columns of schema {SCHEMA_VERSION}; missing: {missing}, unknown: {unknown}")
    try:
        typed = with_dtypes(frame, {name: dtype for name, (dtype, _) in columns.items()})
    except (ValueError, TypeError) as error:
        raise _refusal(f"holds a value that does not fit its column ({' '.join(str(error).split())})") from error
    key = with_levels(KEY_COLUMNS, typed)
    typed = typed.sort_values(key, kind="stable", ignore_index=True)
    for name, least in (("n_cheap", 0), ("n_labels", 1), ("n_folds", 1), ("split", 0), ("label", 0)):
        if (typed[name] < least).any():
            raise _refusal(f"has a {name} of at least {least}, found {typed[name].min()}")
    force_errors = typed["force_mae_ev_ang"].to_numpy(dtype=float)
    # Energies alone: the zero of those that are trained on no accurate label is open as well.
    scored = np.isfinite(typed["energy_error_ev"].to_numpy(dtype=float)) | (typed["n_folds"] == 1).to_numpy()
    alone = np.isnan(force_errors).all() & scored
    unusable = ~(np.isfinite(force_errors) & (force_errors > 0) | alone)
    if unusable.any():
        raise _refusal(f"has positive and finite force errors, found {force_errors[unusable][0]}")
    doubled = typed.duplicated(subset=key)
    if doubled.any():
        raise _refusal(f"scores a label once in a division; found twice: {typed.loc[doubled, key].iloc[0].to_dict()}")
    _require_whole_divisions(typed)
    for name in _POOL_COLUMNS:
        means = typed[name].drop_duplicates()
        if len(means) > 1:
            raise _refusal(f"has one {name}, found {len(means)}")
    return typed


def is_balanced(frame: pd.DataFrame) -> bool:
    """Whether the labels of a table were drawn balanced along their cheap energy."""
    return "balanced" in frame.columns


def write_out_of_fold(frame: pd.DataFrame, folder: Path) -> None:
    """Write `out_of_fold.parquet`, with its digest, and `out_of_fold.csv`, each complete or not at all.

    Raises:
        InputError: as `validate_out_of_fold`.
    """
    frame = validate_out_of_fold(frame)
    frame.attrs = {}
    path = folder / OUT_OF_FOLD_FILE
    with file_with_digest(path) as temporary:
        frame.to_parquet(temporary, index=False)
    write_csv(frame, path.with_suffix(".csv"))


def read_out_of_fold(folder: Path) -> pd.DataFrame | None:
    """Read the out-of-fold errors of a run or purchase; None where there are none, as with a test set.

    Raises:
        InputError: the file is damaged or not as it was written, or as `validate_out_of_fold`.
    """
    path = folder / OUT_OF_FOLD_FILE
    if not path.is_file():
        return None
    content = read_intact(
        path, "repeat 'asteroid-study run', which writes it anew; of a purchase restore it, or buy with another --out"
    )
    return validate_out_of_fold(table_of(content, path, "repeat the command that wrote it"))


def _drawn(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without the column of balanced draws, unless every row says that its labels were drawn so."""
    if not is_balanced(frame) or frame["balanced"].eq(True).all():
        return frame
    return frame.drop(columns="balanced")


def _require_whole_divisions(typed: pd.DataFrame) -> None:
    """Whether each division scores the labels 0 to n_labels - 1; its rows are unique and sorted."""
    columns = with_levels(DIVISION_COLUMNS, typed)
    for key, own in typed.groupby(columns, dropna=False, sort=False):
        n = int(own["n_labels"].iloc[0])
        if not np.array_equal(own["label"].to_numpy(), np.arange(n)):
            which = dict(zip(columns, key, strict=True))
            raise _refusal(f"scores the labels 0 to {n - 1} of {which}, found {own['label'].tolist()}")


def _refusal(rule_and_value: str) -> InputError:
    return InputError(f"a table of out-of-fold errors {rule_and_value}: repeat the command that wrote it")
