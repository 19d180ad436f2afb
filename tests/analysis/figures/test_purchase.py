"""The figure of a purchase: the numbers behind it, the axes around them, words for readers who do not see it."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.figures.purchase import plot_purchase, purchase_data, purchase_picture
from analysis.figures.style import new_figure
from asteroid.units import KCAL_PER_MOL_EV
from study.tables.rounds import rounds_frame


def rounds(last: str = "stop"):
    rows = []
    for number, n in enumerate((16, 22, 30), 1):
        for name, error in (("accurate_only", 9 / n), ("pretrain_finetune, standard, 4000 cheap", 6 / n)):
            best = name.startswith("pretrain")
            error *= KCAL_PER_MOL_EV
            own = {"round": number, "n_labels": n, "contender": name, "strategy": name.partition(",")[0]}
            own |= {"error_ev_ang": error, "low_ev_ang": 0.8 * error, "high_ev_ang": 1.3 * error, "best": best}
            own |= {"probability": number * 0.3, "racing": best, "action": "buy" if n < 30 else last, "n_next": n}
            own |= {"label_cpu_s": 28.0 * n, "core_s": 9.0, "target_ev_ang": 0.3 * KCAL_PER_MOL_EV, "confidence": 0.9}
            if best or number == 1:
                rows.append(own)
    return rounds_frame(rows)


def test_the_best_of_each_look_comes_first() -> None:
    data = purchase_data(rounds())
    assert data.groupby("round")["best"].first().all()
    assert data["n_labels"].tolist() == [16, 16, 22, 30]


def test_everything_lies_inside_the_axes() -> None:
    _, ax = new_figure()
    plot_purchase(purchase_data(rounds()), ax, force_unit="kcal/mol/Å")
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < 16
    assert right > 30
    assert bottom < 0.8 * 6 / 30
    assert top > 1.3 * 9 / 16 * 0.75
    assert top > 9 / 16
    lines = {tuple(np.round(np.asarray(line.get_ydata(), dtype=float), 6)) for line in ax.lines}
    assert tuple(np.round([6 / 16, 6 / 22, 6 / 30], 6)) in lines
    assert (9 / 16,) in lines, "a contender that has left the race keeps its dot"
    assert (0.3, 0.3) in {tuple(np.round(np.asarray(line.get_ydata(), dtype=float), 9)) for line in ax.lines}, (
        "the target"
    )
    assert [text.get_text() for text in ax.texts] == ["P .30", "P .60", "P .90"]


@pytest.mark.parametrize(("last", "says"), [("stop", "stopped: target met"), ("cannot", "given up"), ("buy", "still")])
def test_it_says_how_buying_ended(last: str, says: str) -> None:
    picture = purchase_picture(rounds(last), level="CCSD(T)/cc-pVDZ")
    assert picture is not None
    legend = picture.figure.axes[0].get_legend()
    assert legend is not None
    assert any(says in text.get_text() for text in legend.get_texts())
    assert "16 labels: 0.38 [0.3, 0.49], P 0.30" in picture.alt


def test_a_single_look_has_axes_around_it() -> None:
    _, ax = new_figure()
    plot_purchase(purchase_data(rounds()[:2]), ax)
    assert ax.get_xlim()[0] < 16 < ax.get_xlim()[1]


def test_no_rounds_no_figure() -> None:
    assert purchase_picture(rounds_frame([]), level="CCSD(T)") is None


def test_the_purchase_of_a_ladder_is_drawn_against_the_price_of_its_labels() -> None:
    more = {"n_intermediate": 60, "n_intermediate_next": 60, "intermediate_cpu_s": 120.0}
    picture = purchase_picture(rounds_frame(rounds().assign(**more).to_dict("records")), level="CCSD(T)/cc-pVDZ")
    assert picture is not None
    axes = picture.figure.axes[0]
    assert axes.get_xlim()[0] < 16 * 28 + 120 < 30 * 28 + 120 < axes.get_xlim()[1]
    assert axes.xaxis.get_major_formatter()(16 * 28 + 120) == "9.5 min\n(16 + 60)"
    assert "16 labels and 60 of the level between: 0.38" in picture.alt
