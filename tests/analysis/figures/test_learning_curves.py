"""Figures: the numbers behind them, what is drawn, text that does not overlap, files that repeat to the byte."""

import subprocess
import sys
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.curves.curves import curves_of
from analysis.curves.power_law import fit_power_law, slope
from analysis.figures.every_curve import plot_small_multiples
from analysis.figures.learning_curves import learning_curve_data, plot_learning_curve
from analysis.figures.style import look_of, new_figure, save_figure
from asteroid.errors import InputError
from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame

BUDGETS = (20, 40, 80, 160, 320, 500)


def bent(n):
    return 2.2 * ((n / 80) ** -0.05 if n < 80 else (n / 80) ** -0.9)


def jumping(n):
    """Nothing covers it: the largest budget has much larger errors than the others foretell."""
    return 2.2 * (n / 20) ** -0.57 * (2.5 if n == 500 else 1)


def table(accurate=lambda n: 2.2 * (n / 20) ** -0.57, budgets=BUDGETS, seeds=3):
    """A quickstart-like sweep in kcal/mol/Å, converted; gamma_rel .3 has the better validation error."""
    laws = {("accurate_only", np.nan, 0): accurate}
    for n_cheap, worse in ((500, 1.3), (4000, 1.0)):
        laws[("cheap_only", np.nan, n_cheap)] = lambda _: 7.1
        for gamma, scale in ((np.inf, 1.0), (1.0, 0.9), (0.3, 0.95)):
            strategy = "asteroid" if np.isfinite(gamma) else "pretrain_finetune"
            laws[(strategy, gamma, n_cheap)] = lambda n, k=scale * worse: k * (0.18 + 0.37 * (n / 20) ** -0.5)
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for (strategy, gamma_rel, n_cheap), law in laws.items():
        for budget in (0,) if strategy == "cheap_only" else budgets:
            for seed in range(seeds):
                error = law(budget) * KCAL_PER_MOL_EV * np.exp(0.05 * rng.normal())
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "gamma_rel": gamma_rel, "n_cheap": n_cheap, "budget": budget}
                values |= {"seed": seed, "test_force_mae_ev_ang": error, "status": "ok", "n_test": 300}
                rows.append(values | {"val_force_mae_ev_ang": gamma_rel if np.isfinite(gamma_rel) else 1.0})
    return results_frame(rows)


TABLE = table()
DATA = learning_curve_data(TABLE)


def drawn(data=DATA, plot=plot_learning_curve):
    figure, ax = new_figure()
    returned = plot(data, ax)
    assert returned is ax
    FigureCanvasAgg(figure).draw()
    return figure, ax


def extents(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = []
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = axis.get_view_interval()
            texts += [axis.label, *(tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)]
        texts += [*ax.texts, ax.title, ax._left_title]
        texts += [ax.get_legend()] if ax.get_legend() else []
    texts += [text for text in (figure._supxlabel, figure._supylabel) if text is not None]
    shown = [text for text in texts if text.get_visible() and (not hasattr(text, "get_text") or text.get_text())]
    return [(text, text.get_window_extent(renderer)) for text in shown]


def assert_no_overlap(figure):
    found = extents(figure)
    assert len(found) > 8
    for (one, box), (other, other_box) in combinations(found, 2):
        assert not box.overlaps(other_box), f"{one} overlaps {other}"
    for text, box in found:
        assert box.x0 >= -1, f"{text} leaves the figure"
        assert box.y0 >= -1, f"{text} leaves the figure"
        assert box.x1 <= figure.bbox.x1 + 1, f"{text} leaves the figure"
        assert box.y1 <= figure.bbox.y1 + 1, f"{text} leaves the figure"


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


def test_guide_keeps_clear_of_the_curves():
    _, ax = drawn()
    (guide,) = [line for line in ax.lines if line.get_linestyle() == ":"]
    (name,) = ax.texts
    box = name.get_window_extent()
    share = np.linspace(0, 1, 300)
    for line in [line for line in ax.lines if line.get_linestyle() != "None" and line is not guide]:
        points = line.get_xydata()
        if len(points):
            dense = [np.exp(np.interp(share, np.linspace(0, 1, len(points)), np.log(column))) for column in points.T]
            assert not any(box.contains(*pixel) for pixel in ax.transData.transform(np.stack(dense, axis=1)))


def test_small_multiples_show_every_curve():
    data = learning_curve_data(TABLE, every_curve=True)
    figure = Figure(figsize=(6.8, 6.8), layout="constrained")
    panels = plot_small_multiples(data, figure)
    FigureCanvasAgg(figure).draw()
    assert len(panels) == len(figure.axes) == 9
    assert "γ/median = 0.3, 500 cheap" in panels[6].get_title(loc="left")
    assert_no_overlap(figure)
    uneven = Figure(figsize=(6.8, 6.8), layout="constrained")
    assert len(plot_small_multiples(DATA, uneven)) == len(uneven.axes) == 4


def test_dots_of_one_budget_are_apart_on_paper_and_true_in_the_data():
    _, ax = drawn()
    places = {}
    for strategy in ("accurate_only", "pretrain_finetune", "asteroid"):
        (dots,) = [line for line in ax.lines if line.get_marker() == look_of(strategy).marker]
        runs = DATA[(DATA["part"] == "run") & (DATA["strategy"] == strategy)]
        np.testing.assert_array_equal(dots.get_xdata(), runs["budget"])
        places[strategy] = dots.get_transform().transform(dots.get_xydata())[:, 0]
    step = np.array([3.4 / 72 * ax.figure.dpi] * 18)
    np.testing.assert_allclose(places["pretrain_finetune"] - places["accurate_only"], step)
    np.testing.assert_allclose(places["asteroid"] - places["pretrain_finetune"], step)
    assert "side by side" in ax.get_legend().get_title().get_text()
    _, alone = drawn(DATA[DATA["strategy"] == "asteroid"])
    assert "side by side" not in alone.get_legend().get_title().get_text()


def test_looks_differ():
    looks = [look_of(s) for s in ("cheap_only", "accurate_only", "pretrain_finetune", "asteroid", "mace")]
    assert len({look.marker for look in looks}) == len({look.colour for look in looks}) == 5


def test_files_repeat_to_the_byte_and_hold_the_data(tmp_path):
    for name in ("one", "two"):
        figure, _ = drawn()
        written = save_figure(figure, DATA, tmp_path / name, "learning_curve")
        assert [path.name for path in written] == [f"learning_curve.{kind}" for kind in ("pdf", "svg", "png", "csv")]
    for path in written:
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes(), path.name
        assert path.stat().st_size > 1000
    assert sorted((tmp_path / "one").iterdir()) == sorted(tmp_path / "one" / path.name for path in written)
    back = pd.read_csv(written[3])
    np.testing.assert_allclose(back["force_mae_ev_ang"], DATA["force_mae_ev_ang"])
    assert b"<dc:date>" not in written[1].read_bytes()
    assert b"CreationDate" not in written[0].read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    figure, _ = drawn()
    save_figure(figure, DATA, tmp_path, "curve")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def torn(self, path, **_):
        path.write_bytes(b"half")
        raise OSError("no room")

    monkeypatch.setattr(Figure, "savefig", torn)
    with pytest.raises(OSError, match="no room"):
        save_figure(figure, DATA, tmp_path, "curve")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_settings_of_the_user_are_untouched():
    before = dict(mpl.rcParams)
    drawn()
    assert dict(mpl.rcParams) == before


def test_analysis_loads_neither_torch_nor_optuna_nor_ray():
    code = (
        "import sys, analysis.plan.target_plan, analysis.plan.words, analysis.figures.learning_curves, matplotlib;"
        "assert not {'torch', 'ray', 'optuna'} & set(sys.modules);"
        "assert matplotlib.get_backend(auto_select=False) is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
