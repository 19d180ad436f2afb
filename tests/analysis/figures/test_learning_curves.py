"""Figures: the numbers behind them, what is drawn, text that does not overlap, files that repeat to the byte."""

import subprocess
import sys

import numpy as np
import pytest
from curve_figures import BUDGETS, DATA, TABLE, assert_no_overlap, bent, drawn, table

from analysis.curves.curves import curves_of
from analysis.curves.power_law import fit_power_law, slope
from analysis.figures.learning_curves import learning_curve_data, plot_learning_curve
from analysis.figures.style import look_of, new_figure
from asteroid.errors import InputError


def jumping(n):
    """Nothing covers it: the largest budget has much larger errors than the others foretell."""
    return 2.2 * (n / 20) ** -0.57 * (2.5 if n == 500 else 1)


def test_one_curve_per_strategy_gamma_by_validation():
    shown = DATA.drop_duplicates("curve")
    assert list(shown["curve"]) == [
        "Cheap labels only, 4,000 cheap",
        "Accurate labels only",
        "Pretraining + fine-tuning, 4,000 cheap",
        "ASTEROID, γ/median = 0.3, 4,000 cheap",
    ]
    assert learning_curve_data(TABLE, every_curve=True)["curve"].nunique() == 9


def test_dots_are_the_runs():
    dots = DATA[(DATA["part"] == "run") & (DATA["strategy"] == "accurate_only")]
    source = TABLE[TABLE["strategy"] == "accurate_only"].sort_values(["budget", "seed"])
    np.testing.assert_allclose(dots["force_mae_ev_ang"], source["test_force_mae_ev_ang"])
    np.testing.assert_array_equal(dots["seed"], source["seed"])
    assert not dots["extrapolated"].any()


def test_line_is_the_fit_with_its_band():
    rows = DATA[DATA["strategy"] == "accurate_only"]
    line = rows[rows["part"] == "line"]
    runs = rows[rows["part"] == "run"]
    assert (line["lo_ev_ang"] < line["force_mae_ev_ang"]).all()
    assert (line["force_mae_ev_ang"] < line["hi_ev_ang"]).all()
    assert (line["lo_ev_ang"] < line["lo50_ev_ang"]).all()
    assert (line["hi50_ev_ang"] < line["hi_ev_ang"]).all()
    assert line["budget"].is_monotonic_increasing
    assert (line["extrapolated"] == (line["budget"] > 500)).all()
    assert line["budget"].min() == pytest.approx(20)
    assert line["budget"].max() == pytest.approx(1000)
    (shared,) = [c.fall_weight for c in curves_of(TABLE) if c.key.strategy == "accurate_only"]
    expected = slope(fit_power_law(runs["budget"], runs["force_mae_ev_ang"], run_seed=runs["seed"], fall_weight=shared))
    assert tuple(line[["alpha", "alpha_lo", "alpha_hi"]].iloc[0]) == pytest.approx(expected)
    # Nine runs in ten lie in the band of new runs; here 18 of one curve.
    at = np.log(line["budget"].to_numpy())
    low, high = (np.interp(np.log(runs["budget"]), at, line[name]) for name in ("lo_ev_ang", "hi_ev_ang"))
    assert np.mean((low < runs["force_mae_ev_ang"]) & (runs["force_mae_ev_ang"] < high)) > 0.8
    narrow = learning_curve_data(TABLE, kind="curve")
    narrow = narrow[(narrow["strategy"] == "accurate_only") & (narrow["part"] == "line")]
    assert (narrow["hi_ev_ang"] / narrow["lo_ev_ang"]).mean() < 0.95 * (line["hi_ev_ang"] / line["lo_ev_ang"]).mean()


def test_each_curve_is_extrapolated_from_its_own_largest_budget():
    shorter = TABLE[(TABLE["strategy"] != "asteroid") | (TABLE["budget"] < 500)]
    line = learning_curve_data(shorter)
    line = line[(line["part"] == "line") & line["extrapolated"]].groupby("strategy")["budget"]
    assert 320 < line.min()["asteroid"] < 360
    assert line.max()["asteroid"] == pytest.approx(640)
    assert 500 < line.min()["accurate_only"] < 560


def test_cheap_only_is_a_horizontal_line():
    rows = DATA[DATA["strategy"] == "cheap_only"]
    line = rows[rows["part"] == "line"]
    assert list(line["budget"]) == [20.0, 1000.0]
    assert np.ptp(line["force_mae_ev_ang"]) == 0
    runs = rows.loc[rows["part"] == "run", "force_mae_ev_ang"]
    assert line["force_mae_ev_ang"].iloc[0] == pytest.approx(np.exp(np.log(runs).mean()), rel=0.01)
    assert not line["extrapolated"].any()


def test_refused_and_short_curves_are_not_extrapolated():
    data = learning_curve_data(table(accurate=jumping))
    rows = data[data["strategy"] == "accurate_only"]
    line = rows[rows["part"] == "line"]
    assert not rows["extrapolated"].any()
    assert list(line["budget"]) == list(BUDGETS)
    assert rows["alpha"].isna().all()
    assert (rows["lack_of_fit_p"] < 0.05).all()
    assert (rows["misfit_rms"] > 0.05).all()
    _, ax = drawn(data)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    misfit = f"{rows['misfit_rms'].iloc[0]:.0%}"
    assert texts[1] == f"Accurate labels only\nno power law: lack of fit p < 0.001 ({misfit})"
    curved = learning_curve_data(table(accurate=bent))
    _, ax = drawn(curved)
    assert ax.get_legend().get_texts()[1].get_text().endswith("%), doubtful")
    assert curved.loc[curved["strategy"] == "accurate_only", "budget"].max() == 1000
    short = learning_curve_data(table(budgets=(20, 80, 320)))
    _, ax = drawn(short)
    assert "too few budgets for a power law" in ax.get_legend().get_texts()[1].get_text()
    single = learning_curve_data(table(seeds=1))
    _, ax = drawn(single)
    assert "one seed: fit not tested" in ax.get_legend().get_texts()[1].get_text()


def test_picture_says_what_it_shows():
    figure, ax = drawn()
    first = DATA[DATA["strategy"] == "accurate_only"].iloc[0]
    text = ax.get_legend().get_texts()[1].get_text()
    assert f"α = {first['alpha']:.2f} [{first['alpha_lo']:.2f}, {first['alpha_hi']:.2f}]" in text
    assert "lack of fit p = " in text
    assert ax.get_xlabel() == "CCSD(T) labels (training + validation)"
    assert ax.get_ylabel() == "Force MAE on test (kcal/mol/Å)"
    assert ax.get_xscale() == ax.get_yscale() == "log"
    (guide,) = [line for line in ax.lines if line.get_linestyle() == ":"]
    x, y = guide.get_data()
    assert np.log(y[1] / y[0]) / np.log(x[1] / x[0]) == pytest.approx(-1)
    assert [text.get_text() for text in ax.texts] == ["slope −1"]
    dots = [line for line in ax.lines if line.get_marker() == look_of("accurate_only").marker]
    assert len(dots[0].get_xdata()) == 18
    assert max(dots[0].get_ydata()) == pytest.approx(2.2, rel=0.2)
    assert figure.get_figwidth() < 3.6


def test_unit_and_level_are_arguments():
    _, ax = new_figure()
    plot_learning_curve(DATA, ax, level="CCSD", force_unit="meV/Å")
    assert ax.get_ylabel() == "Force MAE on test (meV/Å)"
    assert ax.get_xlabel().startswith("CCSD labels")
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    assert max(dots.get_ydata()) == pytest.approx(2.2 * 43.364, rel=0.2)
    with pytest.raises(InputError, match="unknown energy unit"):
        plot_learning_curve(DATA, new_figure()[1], force_unit="furlong/Å")


@pytest.mark.parametrize("accurate", [lambda n: 2.2 * (n / 20) ** -0.57, bent, lambda n: 0.5 * (n / 20) ** -1.0])
def test_text_does_not_overlap(accurate):
    figure, _ = drawn(learning_curve_data(table(accurate=accurate)))
    assert_no_overlap(figure)


def test_analysis_loads_neither_torch_nor_optuna_nor_ray():
    code = (
        "import sys, analysis.plan.labels_for_target, analysis.plan.words;"
        "import analysis.figures.learning_curves, matplotlib;"
        "assert not {'torch', 'ray', 'optuna'} & set(sys.modules);"
        "assert matplotlib.get_backend(auto_select=False) is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
