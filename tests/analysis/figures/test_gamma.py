"""The gamma figure: ratios are paired by seed, so what a seed shares cancels exactly."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from analysis.figures.gamma import gamma_data, plot_gamma
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame

BUDGETS = (20, 50, 100, 200, 400)
GAMMAS = (0.3, 1.0, 3.0)


def table(scratch=4.0, seeds=3, gammas=GAMMAS, noise=0.0, schedules=("standard",), n_cheap=(500, 4000), partner=True):
    """Errors with a large seed effect, times 1 + .1/gamma with weights, times `scratch` without pretraining."""
    rng = np.random.default_rng(1)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []

    def add(strategy, gamma_rel, schedule, cheap, budget, seed, factor):
        values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
        values |= {"strategy": strategy, "gamma_rel": gamma_rel, "schedule": schedule, "n_cheap": cheap}
        error = 0.1 * budget**-0.5 * np.exp(seed) * factor * np.exp(noise * rng.normal())
        values |= {"budget": budget, "seed": seed, "test_force_mae_ev_ang": error, "status": "ok", "n_test": 300}
        rows.append(values)

    for budget in BUDGETS:
        for seed in range(seeds):
            add("accurate_only", np.nan, "", 0, budget, seed, scratch)
            for cheap in n_cheap:
                for schedule in schedules:
                    if partner:
                        add("pretrain_finetune", np.inf, schedule, cheap, budget, seed, 1.0)
                    for gamma in gammas:
                        add("asteroid", gamma, schedule, cheap, budget, seed, 1 + 0.1 / gamma)
    return results_frame(rows)


def test_seed_effects_cancel_and_planted_ratios_come_back():
    data = gamma_data(table())
    assert sorted(set(data["budget"])) == [20, 100, 400], "the smallest, the middle and the largest"
    assert set(data["n_cheap"]) == {4000}
    seeds = data[data["part"] == "seed"]
    assert len(seeds) == 3 * 3 * 4
    finite = seeds[np.isfinite(seeds["gamma_rel"])]
    np.testing.assert_allclose(finite["ratio"], 1 + 0.1 / finite["gamma_rel"])
    assert (seeds.loc[np.isinf(seeds["gamma_rel"]), "ratio"] == 1).all()
    means = data[(data["part"] == "mean") & np.isfinite(data["gamma_rel"])]
    np.testing.assert_allclose(means[["ratio", "lo", "hi"]].T, [1 + 0.1 / means["gamma_rel"]] * 3)
    np.testing.assert_allclose(data.loc[data["part"] == "scratch", "ratio"], 4.0)


def test_intervals_are_student_intervals_of_the_log_ratio():
    data = gamma_data(table(noise=0.1), budgets=[50])
    seeds = data[(data["part"] == "seed") & (data["gamma_rel"] == 1.0)]
    mean = data[(data["part"] == "mean") & (data["gamma_rel"] == 1.0)].iloc[0]
    logs = np.log(seeds["ratio"].to_numpy(dtype=float))
    low, high = stats.t.interval(0.9, 2, loc=logs.mean(), scale=stats.sem(logs))
    np.testing.assert_allclose([mean["lo"], mean["ratio"], mean["hi"]], np.exp([low, logs.mean(), high]))
    assert mean["n_seeds"] == 3
    alone = gamma_data(table(seeds=1))
    assert alone["lo"].isna().all()
    plot_gamma(alone, Figure(layout="constrained"))


def test_only_equal_schedule_and_n_cheap_are_paired():
    data = gamma_data(table(schedules=("long", "short"), n_cheap=(500,)))
    assert len(set(data["schedule"])) == 1
    np.testing.assert_allclose(data.loc[(data["part"] == "seed") & (data["gamma_rel"] == 1), "ratio"], 1.1)
    half = table()
    drop = (half["strategy"] == "pretrain_finetune") & (half["n_cheap"] == 4000)
    assert set(gamma_data(half[~drop])["n_cheap"]) == {500}
    lost = table()
    lost = lost[~((lost["strategy"] == "pretrain_finetune") & (lost["seed"] == 0))]
    assert set(gamma_data(lost).loc[lambda rows: rows["part"] == "seed", "seed"]) == {1, 2}


@pytest.mark.parametrize("changes", [{"partner": False}, {"gammas": ()}])
def test_nothing_to_pair_gives_an_empty_table(changes):
    data = gamma_data(table(**changes))
    assert isinstance(data, pd.DataFrame)
    assert data.empty


def test_picture_has_no_weights_at_the_right_edge_and_the_scratch_ratio():
    figure = Figure(figsize=(6.8, 2.9), layout="constrained")
    panels = plot_gamma(gamma_data(table()), figure)
    assert [ax.get_title(loc="left") for ax in panels] == [f"{n} accurate labels" for n in (20, 100, 400)]
    for ax in panels:
        assert [text.get_text() for text in ax.texts] == ["↑ accurate labels only: 4"]
        ticks = [ax.xaxis.get_major_formatter()(value, 0) for value in ax.get_xticks()]
        assert ticks == ["0.3", "1", "3", "∞"]
        seeds = [line for line in ax.lines if line.get_linewidth() == 0.6]
        assert len(seeds) == 3
        assert all(line.get_ydata()[-1] == 1 for line in seeds)
        assert ax.get_ylim()[0] < 1 < ax.get_ylim()[1] < 2
        assert 1.0 in ax.get_yticks()
    assert not any("accurate" in text.get_text() for text in figure.legends[0].get_texts())
    near = Figure(figsize=(6.8, 2.9), layout="constrained")
    for ax in plot_gamma(gamma_data(table(scratch=1.2)), near):
        assert not ax.texts
        (line,) = [line for line in ax.lines if line.get_gid() == "scratch"]
        assert line.get_ydata()[0] == pytest.approx(1.2)
    assert near.legends[0].get_texts()[-1].get_text() == "accurate labels only"
    below = Figure(figsize=(6.8, 2.9), layout="constrained")
    assert plot_gamma(gamma_data(table(scratch=0.3)), below)[0].texts[0].get_text().startswith("↓")


def test_a_search_that_settled_on_no_weights_leaves_the_grid_to_show():
    grid = table()
    tuned = grid[(grid["strategy"] == "pretrain_finetune") & (grid["n_cheap"] == 4000)].assign(schedule="tuned")
    better = tuned.assign(strategy="asteroid", val_force_mae_ev_ang=1e-6)
    both = pd.concat([grid.assign(val_force_mae_ev_ang=1.0), tuned, better], ignore_index=True)
    data = gamma_data(both)
    assert set(data["schedule"]) == {"standard"}
    assert set(data.loc[data["part"] == "seed", "gamma_rel"]) == {*GAMMAS, np.inf}
