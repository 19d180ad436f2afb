"""Effective labels and the map of the budget: planted surfaces come back, harm is red, what was not run is hatched."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from planning import plan_target
from surface_figures import BUDGETS, CHEAP, FITTED, PRICES, TABLE, TARGET, law, table

from analysis.figures.budget_map import map_data, map_strategies, plot_map
from analysis.figures.style import new_figure
from analysis.surface.transfer import surface_of
from asteroid.errors import InputError

CHOICE = plan_target(TABLE, PRICES, TARGET, surface=FITTED).choice
MAP = map_data(FITTED, "pretrain_finetune", PRICES, TARGET, CHOICE)


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
