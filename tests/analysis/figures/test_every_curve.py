from curve_figures import DATA, TABLE, assert_no_overlap
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.every_curve import plot_small_multiples
from analysis.figures.learning_curves import learning_curve_data


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
