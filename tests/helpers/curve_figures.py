"""A table of two strategies with known curves, and the data of its figure."""

from itertools import combinations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.figures.learning_curves import learning_curve_data, plot_learning_curve
from analysis.figures.style import new_figure
from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame

BUDGETS = (20, 40, 80, 160, 320, 500)


def bent(n):
    return 2.2 * ((n / 80) ** -0.05 if n < 80 else (n / 80) ** -0.9)


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
