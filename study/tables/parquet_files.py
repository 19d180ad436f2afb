"""Tables in Parquet's format, read with one line for whatever a damaged file makes its readers raise."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd

from asteroid.errors import InputError
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from pathlib import Path


def table_of(content: bytes, path: Path, remedy: str) -> pd.DataFrame:
    """The table that a file holds.

    Args:
        content: of the file.
        path: its path, for the message.
        remedy: what to do about a damaged one.

    Raises:
        InputError: it is damaged.
    """
    try:
        return pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # pyarrow and pandas raise what they like: KeyError, ArrowInvalid, OSError
        raise InputError(f"{path} is damaged ({one_line(str(error), 160)}): {remedy}") from error
