"""Warnings of rows: alike ones together, with the range of their numbers and the recipes that they belong to."""

import numpy as np
import pandas as pd

from analysis.report.warnings_table import warnings_table


def rows(*found):
    return pd.DataFrame(found, columns=["strategy", "gamma_rel", "warnings"]).astype({"warnings": "string"})


def test_alike_warnings_stand_together():
    table = rows(
        ("asteroid", 0.3, "effective sample 31 of 3,600 (0.9 %): raise gamma_rel"),
        ("asteroid", 0.1, "effective sample 7 of 3,600 (0.2 %): raise gamma_rel; the loss was NaN at step 12"),
        ("gdml", np.nan, "the loss was NaN at step 12."),
        ("asteroid", 1.0, ""),
        ("accurate_only", np.nan, None),
    )
    found = warnings_table(table)
    assert found.head == ("Warning", "Rows", "Recipes")
    assert found.rows == (
        ("effective sample 7 to 31 of 3,600 (0.2 to 0.9 %): raise gamma_rel", "2 of 5", "ASTEROID, γ/median 0.1, 0.3"),
        ("the loss was NaN at step 12", "2 of 5", "sGDML; ASTEROID, γ/median 0.1"),
    )


def test_no_warnings_no_table():
    assert warnings_table(rows(("asteroid", 1.0, ""))) is None
    assert warnings_table(pd.DataFrame({"strategy": ["asteroid"]})) is None
