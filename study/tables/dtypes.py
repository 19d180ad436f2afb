"""Tables with the columns and dtypes of a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pandas.api.types import pandas_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def with_dtypes(frame: pd.DataFrame, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """These columns in this order; only those of another dtype are converted, as a table has seventy and few differ.

    Raises:
        KeyError: a column is missing.
        ValueError: a value does not fit, or a name stands twice.
        TypeError: likewise.
        OverflowError: a number is too large.
    """
    if not frame.columns.is_unique:
        raise ValueError("two columns have one name")
    found = dict(frame.dtypes.items())
    # NumPy refuses names of dtypes that are none of its own.
    other = {
        name: frame[name].astype(pandas_dtype(dtype)) for name, dtype in dtypes.items() if str(found[name]) != dtype
    }
    for name, values in other.items():
        if dtypes[name] == "int64" and (cut := np.flatnonzero(values.to_numpy() != frame[name].to_numpy())).size:
            raise ValueError(f"{name} is a whole number, found {frame[name].iloc[cut[0]]} in row {cut[0]}")
    return frame[list(dtypes)].assign(**other)
