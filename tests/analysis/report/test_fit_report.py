import pytest
from fitted_table import COLUMNS, TABLE, runs
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.curves.any_table import fit_table
from analysis.report.fit_report import fit_picture, fit_sentences


def test_a_target_is_answered_cheapest_first_or_not_at_all():
    mace, nequip = fit_table(TABLE, **COLUMNS, target=20.0, price_s=720.0)
    assert mace.needed < nequip.needed
    assert mace.price_s == 720.0 * mace.needed
    assert mace.probability >= 0.9
    text = "\n".join(fit_sentences([mace, nequip], target=20.0))
    assert f"{mace.needed:,} labels, " in text
    (first, second) = fit_table(TABLE, **COLUMNS, target=9.0)
    assert first.needed is not None
    assert second.needed is None
    assert "cannot be promised" in "\n".join(fit_sentences([second], target=9.0))
    caveats = fit_sentences(fit_table(runs(seeds=1), **COLUMNS))
    assert any("one seed only" in line for line in caveats)


def test_the_figure_shows_every_curve_and_its_numbers():
    figure, data = fit_picture(fit_table(TABLE, **COLUMNS), x="n", y="rmse")
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("n", "rmse")
    dots = [line for line in ax.lines if line.get_marker() not in ("None", "") and len(line.get_xdata()) == 18]
    assert len({line.get_marker() for line in dots}) == 2
    assert {"curve", "rmse", "lo", "hi", "lo50", "hi50"} <= set(data.columns)
    assert sorted(data.loc[data["part"] == "run", "rmse"]) == pytest.approx(sorted(TABLE["rmse"]))
