"""Importances: largest first, noise last and hatched, small ones summed, shares kept."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.importance import N_BARS, importance_data, importance_size_in, parameter_name, plot_importance
from study.tables.trials import validate_importances


def shares(study, values, noise):
    own = {"study": study, "strategy": study.split()[1], "budget": 50}
    rows = [own | {"parameter": name, "importance": share, "kind": "parameter"} for name, share in values.items()]
    noisy = own | {"parameter": "seed_noise", "importance": noise, "kind": "seed_noise"}
    return [noisy, *rows]


MANY = {f"setting_{at}": 0.02 * at for at in range(10)}
TABLE = validate_importances(
    pd.DataFrame(
        shares("tune asteroid 50", {"finetune_steps": 0.1, "gamma_rel": 0.6}, 0.3)
        + shares("tune accurate_only 50", MANY, 1 - sum(MANY.values()))
    )
)
DATA = importance_data(TABLE)


def test_largest_first_noise_last():
    rows = DATA[DATA["study"] == "tune asteroid 50"]
    assert rows["label"].tolist() == ["γ / median bias", "finetune steps", "noise between subsets and folds"]
    assert rows["importance"].tolist() == [0.6, 0.1, 0.3]
    assert rows["kind"].tolist() == ["parameter", "parameter", "seed_noise"]


def test_small_ones_are_summed_and_shares_stay_shares():
    rows = DATA[DATA["study"] == "tune accurate_only 50"]
    assert len(rows) == N_BARS + 1
    others = rows[rows["kind"] == "others"].iloc[0]
    assert others["label"] == "3 others"
    assert others["importance"] == pytest.approx(0.02 + 0.04)
    np.testing.assert_allclose(DATA.groupby("study")["importance"].sum(), 1)


def test_a_panel_for_each_study_with_its_bars():
    figure = Figure(figsize=importance_size_in(DATA), layout="constrained")
    panels = plot_importance(DATA, figure)
    assert [ax.get_title(loc="left") for ax in panels] == ["tune asteroid 50", "tune accurate_only 50"]
    for ax, (_, rows) in zip(panels, DATA.groupby("study", sort=False), strict=True):
        np.testing.assert_allclose([bar.get_width() for bar in ax.patches], rows["importance"])
        assert [bool(bar.get_hatch()) for bar in ax.patches] == [kind == "seed_noise" for kind in rows["kind"]]
        assert ax.yaxis_inverted(), "the largest on top"
    assert panels[0].patches[0].get_facecolor() != panels[1].patches[0].get_facecolor()
    odd = Figure(figsize=(6.8, 4), layout="constrained")
    third = pd.concat([DATA, DATA.head(3).assign(study="tune asteroid 200")], ignore_index=True)
    assert len(plot_importance(third, odd)) == len(odd.axes) == 3


def test_no_studies_no_rows():
    assert importance_data(TABLE.iloc[:0]).empty
    assert parameter_name("pretrain_learning_rate") == "pretrain learning rate"
