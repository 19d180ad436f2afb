import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from surface_figures import BUDGETS, CHEAP, FITTED, gain, table

from analysis.figures.effective_labels import HARM_COLOUR, effective_data, effective_size_in, plot_effective
from analysis.surface.transfer import surface_of

EFFECTIVE = effective_data(FITTED)


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
