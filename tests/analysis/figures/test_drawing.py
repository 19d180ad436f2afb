import numpy as np
from curve_figures import DATA, drawn

from analysis.figures.style import look_of


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
