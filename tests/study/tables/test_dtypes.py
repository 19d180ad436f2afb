"""Only columns of another dtype are converted, and what does not fit is refused as before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from study.tables.dtypes import with_dtypes

SCHEMA = {"name": "string", "n": "int64", "tuned": "Int64", "error": "float64"}


def test_a_table_gets_the_columns_and_dtypes_of_its_schema() -> None:
    given = pd.DataFrame({"error": [1, 2], "extra": 0, "tuned": [np.nan, 3.0], "n": [1.0, 2.0], "name": ["a", None]})
    found = with_dtypes(given, SCHEMA)
    pd.testing.assert_frame_equal(found, given[list(SCHEMA)].astype(SCHEMA))
    pd.testing.assert_frame_equal(with_dtypes(found, SCHEMA), found)


@pytest.mark.parametrize("n", [1.5, np.nan, np.inf, "x", 2**70, None])
def test_values_that_do_not_fit_are_refused(n: object) -> None:
    for column in (pd.Series([n], dtype=object), pd.Series([n])):
        given = pd.DataFrame({"name": ["a"], "n": column, "tuned": [1], "error": [0.1]})
        with pytest.raises((ValueError, TypeError, OverflowError)):
            with_dtypes(given, SCHEMA)


def test_names_that_stand_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="two columns have one name"):
        with_dtypes(pd.DataFrame([[1, 2]], columns=["n", "n"]), {"n": "int64"})
