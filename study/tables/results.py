"""The results table: one row per (recipe, budget, n_cheap, seed); columns, units, validation, files.

Light on purpose: `analysis` reads tables through this module and must not load torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asteroid.errors import InputError
from asteroid.plain_text import one_line
from study.counts import COUNT_COLUMNS, LEVEL_COLUMNS
from study.digests import file_with_digest, read_intact
from study.tables.counts import ASSUMED, add_counts, lacks_counts, unknown_strategies
from study.tables.csv_files import write_csv
from study.tables.dtypes import with_dtypes
from study.tables.levels import level_columns, settled, with_levels
from study.tables.parquet_files import table_of

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 3
RESULTS_FILE = "results.parquet"

#: name -> (dtype, meaning). Forces in eV/Å, energies in eV, times in CPU core seconds.
COLUMNS: dict[str, tuple[str, str]] = {
    "strategy": ("string", "name of the chain of stages (study.strategies)"),
    "gamma_rel": ("float64", "bias-weight temperature over the median bias; inf: no weights; NaN: nothing to weight"),
    "gamma_ev_ang": ("float64", "the same temperature in eV/Å"),
    "schedule": ("string", "name of the fine-tune schedule; empty where nothing is fine-tuned"),
    "budget": ("int64", "accurate labels bought, training and validation together; 0: none"),
    "n_train": ("int64", "accurate labels that gradients see"),
    "n_val": ("int64", "accurate labels for early stopping"),
    "n_cheap": ("int64", "cheap frames bought, held-out ones included; 0: none"),
    "seed": ("int64", "seed of the label subset, the weights and the batches"),
    "tuned_with_n": ("Int64", "accurate labels that the settings were tuned with; missing: settings fixed beforehand"),
    "train_force_mae_ev_ang": (
        "float64",
        "force MAE on the labels that the last stage trained on (256 of many); NaN for kernels and without labels",
    ),
    "val_force_mae_ev_ang": ("float64", "force MAE on the validation labels of the last stage"),
    "cv_force_mae_ev_ang": (
        "float64",
        "force MAE cross-validated inside the budget, carried to all its labels; NaN where a test set exists",
    ),
    "cv_force_mae_se_ev_ang": ("float64", "its standard error from the choice of frames, folds, splits and the slope"),
    "cv_force_mae_shared_se_ev_ang": ("float64", "the part of it that all rows share, as they score the same labels"),
    "cv_slope": ("float64", "-d ln error / d ln labels that carries it from a fold's labels to all"),
    "test_force_mae_ev_ang": ("float64", "force MAE on the accurate test labels, mean over atoms and components"),
    "test_force_mae_se_ev_ang": (
        "float64",
        "its standard error from the choice of test frames (block bootstrap, wider where they are few)",
    ),
    "test_force_mae_adjusted_ev_ang": (
        "float64",
        "the same as for an average draw of test frames, as their cheap energies and forces tell (what curves are "
        "fitted to); NaN where the cheap level is not known at the test frames",
    ),
    "test_force_mae_adjusted_se_ev_ang": ("float64", "its standard error"),
    "test_force_rmse_ev_ang": ("float64", "force RMSE on the accurate test labels"),
    "test_energy_mae_ev": (
        "float64",
        "energy MAE on the accurate test labels (cheap_only: after the best constant shift)",
    ),
    "test_energy_rmse_ev": ("float64", "energy RMSE, likewise"),
    "n_test": ("int64", "accurate test labels (evaluation labels, outside the budget)"),
    "effective_sample": ("float64", "(sum w)^2 / sum w^2 of the bias weights; NaN without weights"),
    "bias_median_ev_ang": ("float64", "median estimated bias of the cheap frames; NaN where none was estimated"),
    "bias_p10_ev_ang": ("float64", "10th percentile of the estimated bias"),
    "bias_p90_ev_ang": ("float64", "90th percentile of the estimated bias"),
    **{name: ("int64", meaning) for name, meaning in COUNT_COLUMNS.items()},
    "cost_accurate_cpu_s": ("float64", "price of the accurate labels at the run's own prices"),
    "cost_cheap_cpu_s": ("float64", "price of the cheap labels and sampled frames at the run's own prices"),
    "use_cpu_s_per_frame": (
        "float64",
        "CPU seconds to predict one frame, measured once per model and size, with the cheap method's where it runs",
    ),
    "recipe_core_s": ("float64", "core seconds to train this chain of stages, as if nothing were shared"),
    "status": ("string", "ok, or the reason of failure"),
    "warnings": ("string", "caveats of the row, as sentences; empty where there are none"),
    "stage_keys": ("string", "keys of the stages, first to last, separated by spaces"),
    "test_energy_free_mae_ev": (
        "float64",
        "energy MAE on the accurate test labels with a constant free: their mean error is taken out, and "
        "sqrt(n / (n - 1)) makes good for it; NaN where the zero of energy of a test frame is open",
    ),
    "test_energy_free_mae_se_ev": ("float64", "its standard error from the choice of test frames"),
    "cv_energy_free_mae_ev": (
        "float64",
        "energy MAE with a constant free, cross-validated inside the budget, carried to all its labels; NaN where a "
        "test set exists",
    ),
    "cv_energy_free_mae_se_ev": ("float64", "its standard error, as that of cv_force_mae_ev_ang"),
    "cv_energy_free_mae_shared_se_ev": ("float64", "the part of it that all rows share"),
    "val_energy_mae_ev": (
        "float64",
        "energy MAE on the validation labels of the last stage, where accurate labels are energies alone, or NaN",
    ),
}

#: Columns that tables of earlier releases lack: they are read with empty ones.
ADDED_COLUMNS = (
    "cv_force_mae_se_ev_ang",
    "cv_force_mae_shared_se_ev_ang",
    "cv_slope",
    "train_force_mae_ev_ang",
    "test_force_mae_adjusted_ev_ang",
    "test_force_mae_adjusted_se_ev_ang",
    "test_energy_free_mae_ev",
    "test_energy_free_mae_se_ev",
    "cv_energy_free_mae_ev",
    "cv_energy_free_mae_se_ev",
    "cv_energy_free_mae_shared_se_ev",
    "val_energy_mae_ev",
)

KEY_COLUMNS = ["strategy", "gamma_rel", "schedule", "budget", "n_cheap", "seed"]


def results_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table with the columns and dtypes of the schema, in a fixed order.

    Raises:
        InputError: a column is missing or unknown, or two rows share a key.
    """
    if not rows:
        return validate_results(pd.DataFrame(columns=list(COLUMNS)))
    frame = settled(pd.DataFrame(rows))
    return validate_results(frame.sort_values(with_levels(KEY_COLUMNS, frame), kind="stable", ignore_index=True))


def validate_results(frame: pd.DataFrame) -> pd.DataFrame:
    """Check columns, dtypes and uniqueness of rows; returns the table with the schema's dtypes.

    A table of schema 2, which had no counts, gets them from strategy, budget and n_cheap; rows of a strategy that is
    not listed say so in their warnings. Columns of several lower levels (`study.counts.LEVEL_COLUMNS`) are there
    where any row fills them.

    Raises:
        InputError: a column is missing or unknown, a value does not fit its dtype, or two rows share a key.
    """
    try:
        frame = settled(frame.assign(**{name: math.nan for name in ADDED_COLUMNS if name not in frame.columns}))
    except (ValueError, TypeError) as error:
        raise InputError(f"a results table holds a value that does not fit its column: {error}") from error
    derived = lacks_counts(frame)
    columns = {name: dtype for name, (dtype, _) in COLUMNS.items() if not (derived and name in COUNT_COLUMNS)}
    columns |= {name: LEVEL_COLUMNS[name][0] for name in level_columns(frame)}
    missing = [name for name in columns if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in {**COLUMNS, **columns}]
    if missing or unknown:
        raise InputError(
            f"a results table has the columns of schema {SCHEMA_VERSION}; missing: {missing}, unknown: {unknown}: "
            "use a table written by 'asteroid-study run'"
        )
    try:
        typed = with_dtypes(frame, columns)
    except (ValueError, TypeError, OverflowError) as error:
        why = one_line(str(error), 160)
        raise InputError(f"a results table holds a value that does not fit its column: {why}") from error
    _refuse_impossible(typed)
    unnamed = np.flatnonzero(typed["strategy"].isna())
    if len(unnamed):
        raise InputError(
            f"every row of a results table needs its strategy, found none in row {unnamed[0]}: use a table as "
            "'asteroid-study run' wrote it"
        )
    if derived:
        typed = _with_counts(typed)
    key = with_levels(KEY_COLUMNS, typed)
    doubled = typed.duplicated(subset=key)
    if doubled.any():
        row = typed.loc[doubled, key].iloc[0].to_dict()
        raise InputError(f"a results table has one row per recipe, budget, n_cheap and seed; found twice: {row}")
    return typed


def _refuse_impossible(typed: pd.DataFrame) -> None:
    """Refuse counts, seconds and errors below zero, and seconds that are infinite: nobody measures them.

    Raises:
        InputError: there is one.
    """
    for name in typed.columns:
        seconds = name.endswith("_s")
        if not (seconds or name.startswith("n_") or name == "budget" or "_mae_" in name):
            continue
        values = typed[name].to_numpy(dtype=float, na_value=np.nan)
        wrong = np.flatnonzero((values < 0) | (np.isinf(values) & seconds))
        if len(wrong):
            raise InputError(
                f"{name} of a results table is {'finite and ' * seconds}never below zero, found "
                f"{values[wrong[0]]:g} in row {wrong[0]}: use a table as 'asteroid-study run' wrote it"
            )


def _with_counts(typed: pd.DataFrame) -> pd.DataFrame:
    filled = add_counts(typed)[with_levels(COLUMNS, typed)]
    filled = filled.assign(**{name: filled[name].astype("int64") for name in COUNT_COLUMNS})
    assumed = unknown_strategies(filled)
    notes = [ASSUMED.format(strategy=strategy) for strategy in filled.loc[assumed, "strategy"]]
    said = filled.loc[assumed, "warnings"].fillna("")
    filled.loc[assumed, "warnings"] = ["; ".join(filter(None, both)) for both in zip(said, notes, strict=True)]
    return filled


def write_results(frame: pd.DataFrame, folder: Path) -> None:
    """Write `results.parquet`, with its digest, and `results.csv`, each complete or not at all."""
    frame = validate_results(frame)
    frame.attrs = {}
    with file_with_digest(folder / RESULTS_FILE) as temporary:
        frame.to_parquet(temporary, index=False)
    write_csv(frame, folder / "results.csv")


def read_results(folder: Path) -> pd.DataFrame:
    """Read the table of a run folder.

    Raises:
        InputError: there is no table, it is not as the run wrote it, or it does not fit the schema.
    """
    path = folder / RESULTS_FILE
    if not path.is_file() and (folder / "trials.csv").is_file():
        raise InputError(
            f"{folder} has trials and no learning curves yet: see its report, or run a sweep in mode curve"
        )
    if not path.is_file():
        raise InputError(
            f"a run folder with results.parquet is needed, found none in {folder}: first 'asteroid-study run'"
        )
    content = read_intact(
        path, "repeat 'asteroid-study run', which writes it anew; a table of your own is for 'asteroid-study fit'"
    )
    return validate_results(table_of(content, path, "repeat 'asteroid-study run'"))
