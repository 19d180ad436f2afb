"""The table of a purchase's rounds: one row for each contender of each look; columns, validation, file.

Light on purpose, like `study.tables.results`: `analysis` reads it without loading torch.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from asteroid.errors import InputError
from asteroid.measured_errors import Measured
from study.digests import file_with_digest, read_intact
from study.tables.csv_files import as_written, write_csv
from study.tables.dtypes import with_dtypes

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS_FILE = "rounds.csv"

#: name -> (dtype, meaning). Forces in eV/Å, prices in CPU seconds.
ROUNDS_COLUMNS: dict[str, tuple[str, str]] = {
    "round": ("int64", "number of the look, from 1"),
    "n_labels": ("int64", "accurate labels owned, training and validation together"),
    "contender": ("string", "strategy with its settings"),
    "strategy": ("string", "name of the chain of stages"),
    "error_ev_ang": ("float64", "force MAE of its model of all these labels, the median"),
    "low_ev_ang": ("float64", "lower end of the 90 % interval"),
    "high_ev_ang": ("float64", "upper end"),
    "probability": ("float64", "that it meets the target"),
    "racing": ("bool", "whether it is trained in the next look, if there is one"),
    "best": ("bool", "whether its model would be delivered now"),
    "action": ("string", "stop, buy or cannot: what was decided"),
    "n_next": ("int64", "labels to own at the next look"),
    "label_cpu_s": ("float64", "price of the accurate labels bought so far"),
    "core_s": ("float64", "core seconds of the training of all looks so far"),
    "target_ev_ang": ("float64", "error to meet"),
    "confidence": ("float64", "probability asked for"),
    "measured": ("string", "what errors and target are of: forces, energies (in eV), or energies per atom"),
}

#: Columns of purchases on a ladder alone, likewise.
LADDER_COLUMNS: dict[str, tuple[str, str]] = {
    "n_intermediate": ("int64", "labels owned of the level between"),
    "n_intermediate_next": ("int64", "labels of it to own at the next look"),
    "intermediate_cpu_s": ("float64", "price of those owned"),
}


def rounds_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table with the columns and dtypes of the schema; those of ladders where the rows have them.

    Raises:
        InputError: a column is missing or a value does not fit its column.
    """
    frame = pd.DataFrame(rows, columns=None if rows else list(ROUNDS_COLUMNS))
    if "measured" not in frame.columns:  # of an earlier version
        frame = frame.assign(measured=str(Measured.FORCES))
    columns = ROUNDS_COLUMNS | (LADDER_COLUMNS if set(LADDER_COLUMNS) & set(frame.columns) else {})
    try:
        return with_dtypes(frame, {name: dtype for name, (dtype, _) in columns.items()})
    except (KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"a table of rounds has {', '.join(columns)}: buy again ({reason})") from error


def measured_of(frame: pd.DataFrame) -> Measured:
    """What the errors of a table of rounds are of."""
    return Measured(frame["measured"].iloc[0]) if len(frame) else Measured.FORCES


def write_rounds(frame: pd.DataFrame, folder: Path) -> None:
    """Write `rounds.csv`, with its digest, complete or not at all."""
    write_csv(frame, folder / ROUNDS_FILE, file_with_digest)


def read_rounds(folder: Path) -> pd.DataFrame | None:
    """Read the rounds of a purchase; None where there are none, as in the folder of a sweep.

    Raises:
        InputError: the file is damaged, or not as the purchase wrote it.
    """
    path = folder / ROUNDS_FILE
    if not path.is_file():
        return None
    content = read_intact(path, "repeat 'asteroid-study buy', which writes it anew")
    try:
        frame = as_written(pd.read_csv(io.BytesIO(content)))
    except Exception as error:  # whatever pandas raises for a damaged file
        raise InputError(f"{path} is damaged: repeat the command that wrote it ({error})") from error
    return rounds_frame(frame.to_dict("records"))  # type: ignore[arg-type]
