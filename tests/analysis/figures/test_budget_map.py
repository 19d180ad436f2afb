"""Effective labels and the map of the budget: planted surfaces come back, harm is red, what was not run is hatched."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from planning import plan_target

from analysis.figures.budget_map import map_data, map_strategies, plot_map
from analysis.figures.effective_labels import HARM_COLOUR, effective_data, effective_size_in, plot_effective
from analysis.figures.style import new_figure
from analysis.surface.transfer import surface_of
from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame

BUDGETS, CHEAP, TARGET = (25, 50, 100, 200, 400, 800), (500, 2000, 8000), 0.016
LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.01, "card", 0.02)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)


def gain(n, n_cheap):
    return 300 * (n / 100) ** 0.4 * n_cheap / (n_cheap + 1500)


def law(n, n_cheap):
    return 0.004 + 0.03 * ((n + gain(n, n_cheap)) / 100) ** -0.7


def table(worse=1.0, cheap=CHEAP):
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for n_cheap in (0, *cheap):
        for budget in BUDGETS:
            for seed in range(3):
                hurt = worse if (n_cheap, budget) == (cheap[0], 25) else 1.0
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": "pretrain_finetune" if n_cheap else "accurate_only", "n_cheap": n_cheap}
                values |= {"budget": budget, "seed": seed, "status": "ok", "n_test": 300, "recipe_core_s": 2.0}
                values |= {"gamma_rel": np.inf if n_cheap else np.nan, "cost_cheap_cpu_s": 0.03 * n_cheap}
                error = law(budget, n_cheap) * hurt * np.exp(0.04 * rng.normal())
                rows.append(values | {"test_force_mae_ev_ang": error, "cost_accurate_cpu_s": 28.0 * budget})
    return results_frame(rows)


TABLE = table()
FITTED = surface_of(TABLE)
EFFECTIVE = effective_data(FITTED)
CHOICE = plan_target(TABLE, PRICES, TARGET, surface=FITTED).choice
MAP = map_data(FITTED, "pretrain_finetune", PRICES, TARGET, CHOICE)


def test_effective_labels_are_those_of_the_planted_surface():
    cells = EFFECTIVE[EFFECTIVE["part"] == "cell"]
    assert len(cells) == len(BUDGETS) * len(CHEAP)
    truth = cells["budget"] + gain(cells["budget"], cells["n_cheap"])
    inside = (cells["lo"] <= truth) & (truth <= cells["hi"])
    assert inside.mean() >= 0.6
    line = EFFECTIVE[(EFFECTIVE["part"] == "line") & (EFFECTIVE["n_cheap"] == 8000)]
    np.testing.assert_allclose(line["labels"], line["budget"] + gain(line["budget"], 8000), rtol=0.2)
    assert (EFFECTIVE["lo"] <= EFFECTIVE["labels"]).all()
    assert (EFFECTIVE["labels"] <= EFFECTIVE["hi"]).all()


def colours(ax):
    return {to_hex(line.get_color()) for line in ax.lines}


def test_harm_is_red():
    hurt = effective_data(surface_of(table(worse=3.0)))
    (row,) = [row for _, row in hurt[hurt["part"] == "harm"].iterrows()]
    assert (row["n_cheap"], row["budget"]) == (500, 25)
    assert row["labels"] < 25
    for data, red in ((hurt, True), (EFFECTIVE, False)):
        figure = Figure(figsize=effective_size_in(data), layout="constrained")
        panels = plot_effective(data, figure)
        assert [ax.get_title(loc="left") for ax in panels] == [f"{n:,} cheap frames" for n in CHEAP]
        assert (HARM_COLOUR in colours(panels[0])) == red
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert ("cheap frames hurt" in texts) == red


def test_map_tells_errors_prices_and_chances():
    nodes = MAP[MAP["part"] == "node"]
    inside = nodes[~nodes["extrapolated"]]
    truth = law(inside["n_accurate"], inside["n_cheap"])
    assert np.abs(np.log(inside["force_mae_ev_ang"] / truth)).max() < 0.12
    np.testing.assert_allclose(nodes["price_cpu_s"], 28 * nodes["n_accurate"] + 0.03 * nodes["n_cheap"].round())
    grid = nodes["probability"].to_numpy().reshape(48, 48)
    assert (np.diff(grid, axis=0) >= -1e-12).all()
    assert (np.diff(grid, axis=1) >= -1e-12).all()
    assert inside["n_accurate"].max() <= 800
    assert nodes["n_accurate"].max() == pytest.approx(1600)
    runs = MAP[MAP["part"] == "run"]
    assert len(runs) == len(BUDGETS) * len(CHEAP)
    assert not runs["extrapolated"].any()
    (chosen,) = [row for _, row in MAP[MAP["part"] == "choice"].iterrows()]
    assert (chosen["n_accurate"], chosen["n_cheap"]) == (CHOICE.n_accurate, CHOICE.key.n_cheap)
    assert chosen["probability"] > 0.8


def test_map_is_drawn_with_its_lines_and_points():
    figure, ax = new_figure()
    assert plot_map(MAP, ax, target_ev_ang=TARGET, force_unit="meV/Å") is ax
    FigureCanvasAgg(figure).draw()
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "16 meV/Å met with 90%" in texts
    assert "16 meV/Å met with 50%" in texts
    assert {"runs", "recommended", "outside the runs"} <= set(texts)
    dots = [line for line in ax.lines if len(line.get_xdata()) == len(BUDGETS) * len(CHEAP)]
    assert len(dots) == 1
    never = map_data(FITTED, "pretrain_finetune", PRICES, 1e-4)
    figure, ax = new_figure()
    plot_map(never, ax, target_ev_ang=1e-4)
    assert not any("met with" in text.get_text() for text in figure.legends[0].get_texts())


def test_one_number_of_cheap_frames_makes_no_map():
    fitted = surface_of(table(cheap=(2000,)))
    assert map_strategies(fitted) == []
    with pytest.raises(InputError, match="two numbers of cheap frames, found fewer for 'pretrain_finetune'"):
        map_data(fitted, "pretrain_finetune", PRICES, TARGET)
