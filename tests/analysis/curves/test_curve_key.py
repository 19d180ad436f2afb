"""Keys of curves: names for people, order, and which rows of a table are theirs."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.curves.curve_key import CURVE_COLUMNS, CurveKey, labels_of

WEIGHTED, PLAIN = CurveKey("asteroid", 0.3, "standard", 4000), CurveKey("pretrain_finetune", np.inf, "standard", 500)
SCRATCH = CurveKey("accurate_only")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (WEIGHTED, "ASTEROID, γ/median = 0.3, 4,000 cheap"),
        (CurveKey("asteroid", np.inf, "", 500), "ASTEROID, no weights, 500 cheap"),
        (PLAIN, "Pretraining + fine-tuning, 500 cheap"),
    ],
)
def test_names_say_what_was_bought_and_weighted(key, name):
    assert key.label() == name


def test_a_schedule_is_named_where_its_strategy_has_several():
    other = CurveKey("asteroid", 0.3, "tuned", 4000)
    assert [label.endswith("schedule") for label in labels_of([WEIGHTED, PLAIN])] == [False, False]
    assert [label.endswith("schedule") for label in labels_of([WEIGHTED, other, PLAIN])] == [True, True, False]


def test_simplest_strategies_come_first_then_fewer_cheap_frames_then_weaker_weights():
    keys = [
        SCRATCH,
        PLAIN,
        CurveKey("asteroid", np.inf, "standard", 500),
        CurveKey("asteroid", 0.3, "standard", 500),
        WEIGHTED,
    ]
    assert sorted({*keys}, key=lambda key: key.order) == keys


def test_a_key_finds_its_rows_and_no_other():
    keys = [SCRATCH, PLAIN, WEIGHTED, CurveKey("asteroid", 0.3, "tuned", 4000)]
    table = pd.DataFrame([key.columns() for key in keys for _ in range(2)])
    assert list(table.columns) == CURVE_COLUMNS
    for at, key in enumerate(keys):
        assert np.flatnonzero(key.rows_in(table)).tolist() == [2 * at, 2 * at + 1]
        again = CurveKey.of_row(table.iloc[2 * at])
        assert (again.label(), again.order) == (key.label(), key.order)
    unnamed = table.assign(schedule=table["schedule"].replace("", None))
    assert SCRATCH.rows_in(unnamed).sum() == 2, "a table that was read back has gaps for empty names"


def test_json_has_words_for_numbers_that_json_lacks():
    found = [json.loads(json.dumps(key.to_json(), allow_nan=False))["gamma_rel"] for key in (SCRATCH, PLAIN, WEIGHTED)]
    assert found == [None, "inf", 0.3]


def test_keys_with_nothing_to_weight_are_equal():
    assert CurveKey("residual", float("nan")) == CurveKey("residual", -float("nan"))
    assert {CurveKey("residual", float("nan")): 1}[CurveKey("residual")] == 1
