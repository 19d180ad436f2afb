"""The learning curves of a purchase: dots of all looks, lines through them, strategies that left included."""

import numpy as np
import pandas as pd
from ended_purchase import CURVES
from out_of_fold_tables import planted_table

from analysis.buying.prior import VAGUE
from analysis.figures.purchase_curves import purchase_curve_data, purchase_curves_picture

TABLE = pd.concat([planted_table(CURVES, (16,)), planted_table({"residual": CURVES["residual"]}, (24, 60))])


def test_dots_are_the_looks_and_lines_pass_them():
    data = purchase_curve_data(TABLE, VAGUE)
    dots = data[data["part"] == "look"]
    sizes = {name: sorted(own["budget"]) for name, own in dots.groupby("strategy")}
    np.testing.assert_allclose(sizes["accurate_only"], [8, 14.4])  # it left after the first look
    np.testing.assert_allclose(sizes["residual"], [8, 12, 14.4, 21.6, 30, 54])
    assert (data["measured_by"] == "cross_validation").all()
    for strategy, (level, slope) in CURVES.items():
        line = data[(data["part"] == "line") & (data["strategy"] == strategy)]
        planted = level * (line["budget"] / 20) ** -slope
        inside = (line["lo_ev_ang"] <= planted) & (planted <= line["hi_ev_ang"])
        assert inside.mean() > 0.8
        assert (line["lo_ev_ang"] < line["force_mae_ev_ang"]).all()


def test_the_picture_says_that_errors_are_cross_validated():
    picture = purchase_curves_picture(TABLE, VAGUE, target_ev_ang=0.015, level="CCSD(T)/cc-pVDZ")
    assert "cross-validated" in picture.figure.axes[0].get_ylabel()
    assert "cv_force_mae" in picture.caption
    assert "Pretraining + residual net: " in picture.alt
    legend = picture.figure.axes[0].get_legend()
    assert "90 %" in legend.get_title().get_text()
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["Accurate labels only", "Pretraining + residual net", "target 0.346 kcal/mol/Å"]
