"""From a results table to curves: grouping, names, which error counts, and which curve stands for a strategy."""

import numpy as np
import pytest

from analysis.curves.curve_key import labels_of
from analysis.curves.curves import competing_curves, curves_of, representative_curves
from asteroid.errors import InputError
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame


def row(strategy, budget, seed=0, *, gamma_rel=np.nan, n_cheap=0, error=0.02, **other):
    """One row of the schema; what is not given is zero, missing or "ok"."""
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
    values |= {"strategy": strategy, "budget": budget, "seed": seed, "gamma_rel": gamma_rel, "n_cheap": n_cheap}
    return values | {"test_force_mae_ev_ang": error, "status": "ok", "recipe_core_s": 10.0} | other


def sweep():
    """Every kind of curve, rows out of order."""
    rows = [
        row("asteroid", b, s, gamma_rel=g, n_cheap=c)
        for b in (40, 20)
        for s in (1, 0)
        for g in (1, 0.3)
        for c in (500, 4000)
    ]
    rows += [row("pretrain_finetune", b, s, gamma_rel=np.inf, n_cheap=4000) for b in (20, 40) for s in (0, 1)]
    rows += [row("accurate_only", b, s, error=b / 1000) for b in (40, 20) for s in (1, 0)]
    rows += [row("cheap_only", 0, s, n_cheap=4000) for s in (0, 1)]
    return rows


def test_one_curve_per_recipe_simplest_first():
    curves = curves_of(results_frame(sweep()))
    assert [(c.key.strategy, c.key.gamma_rel, c.key.n_cheap) for c in curves if c.key.strategy != "accurate_only"] == [
        ("cheap_only", pytest.approx(np.nan, nan_ok=True), 4000),
        ("pretrain_finetune", np.inf, 4000),
        ("asteroid", 1.0, 500),
        ("asteroid", 0.3, 500),
        ("asteroid", 1.0, 4000),
        ("asteroid", 0.3, 4000),
    ]
    accurate = curves[1]
    assert accurate.key.strategy == "accurate_only"
    np.testing.assert_array_equal(accurate.budget, [20, 20, 40, 40])
    np.testing.assert_array_equal(accurate.seed, [0, 1, 0, 1])
    np.testing.assert_allclose(accurate.error_ev_ang, [0.02, 0.02, 0.04, 0.04])
    assert [c.horizontal for c in curves] == [True] + [False] * 6


def test_names_for_people():
    curves = curves_of(results_frame(sweep()))
    assert labels_of([curve.key for curve in curves]) == [
        "Cheap labels only, 4,000 cheap",
        "Accurate labels only",
        "Pretraining + fine-tuning, 4,000 cheap",
        "ASTEROID, γ/median = 1, 500 cheap",
        "ASTEROID, γ/median = 0.3, 500 cheap",
        "ASTEROID, γ/median = 1, 4,000 cheap",
        "ASTEROID, γ/median = 0.3, 4,000 cheap",
    ]
    (unweighted,) = curves_of(results_frame([row("asteroid", 20, gamma_rel=np.inf, n_cheap=500)]))
    assert unweighted.key.label() == "ASTEROID, no weights, 500 cheap"


def test_schedule_is_named_where_there_are_several():
    rows = [row("pretrain_finetune", 20, gamma_rel=np.inf, n_cheap=500, schedule=s) for s in ("short", "long")]
    curves = curves_of(results_frame([*rows, row("accurate_only", 20)]))
    names = labels_of([curve.key for curve in curves])
    assert names == [
        "Accurate labels only",
        "Pretraining + fine-tuning, 500 cheap, long schedule",
        "Pretraining + fine-tuning, 500 cheap, short schedule",
    ]


def test_validation_error_chooses_gamma_not_the_test_error():
    rows = []
    for gamma, val, test in ((0.3, 0.010, 0.09), (1.0, 0.011, 0.01)):
        rows += [
            row("asteroid", b, s, gamma_rel=gamma, n_cheap=c, error=test, val_force_mae_ev_ang=val + 1e-4 * s)
            for b in (20, 40)
            for s in range(3)
            for c in (500, 4000)
        ]
    (chosen,) = representative_curves(curves_of(results_frame(rows)))
    assert (chosen.key.gamma_rel, chosen.key.n_cheap) == (0.3, 4000)


def test_only_shared_budgets_choose_and_simplest_wins_without_validation_errors():
    rows = [row("asteroid", b, gamma_rel=0.3, n_cheap=500, val_force_mae_ev_ang=0.02) for b in (20, 30)]
    rows += [row("asteroid", b, gamma_rel=1.0, n_cheap=500, val_force_mae_ev_ang=0.4 / b + 0.001) for b in (20, 400)]
    (chosen,) = representative_curves(curves_of(results_frame(rows)))
    assert chosen.key.gamma_rel == 0.3, "400 labels beat 20, that is no merit of gamma"
    rows = [row("asteroid", 20, gamma_rel=g, n_cheap=500) for g in (0.1, 1.0, np.inf)]
    (chosen,) = representative_curves(curves_of(results_frame(rows)))
    assert chosen.key.gamma_rel == np.inf


def test_the_curve_with_the_most_budgets_stands_for_its_strategy():
    rows = [row("asteroid", b, gamma_rel=1.0, n_cheap=500, val_force_mae_ev_ang=0.03) for b in (20, 50, 100)]
    rows += [
        row("asteroid", b, gamma_rel=3.0, n_cheap=500, schedule="tuned", val_force_mae_ev_ang=0.01) for b in (50, 100)
    ]
    (shown,) = representative_curves(curves_of(results_frame(rows)))
    assert shown.key.gamma_rel == 1.0
    assert {curve.key.schedule for curve in competing_curves(curves_of(results_frame(rows)))} == {
        shown.key.schedule,
        "tuned",
    }


def test_failed_runs_are_left_out_and_flagged():
    rows = [*sweep(), row("accurate_only", 80, error=np.nan, status="diverged")]
    flagged = {c.key.strategy: c.status for c in curves_of(results_frame(rows))}
    assert flagged["accurate_only"] == ("failed_runs",)
    assert flagged["asteroid"] == ()
    with pytest.raises(InputError, match="curves need finished runs, found none in 1 rows"):
        curves_of(results_frame(rows[-1:]))


def test_without_a_test_set_the_cross_validated_error_counts():
    rows = [row("accurate_only", b, error=np.nan, cv_force_mae_ev_ang=b / 100) for b in (20, 40)]
    (curve,) = curves_of(results_frame([*rows, row("cheap_only", 0, error=np.nan, n_cheap=500)]))
    np.testing.assert_allclose(curve.error_ev_ang, [0.2, 0.4])
    assert curve.status == ("no_test_set",)


def test_errors_that_share_labels_have_a_part_in_common():
    rows = [
        row("accurate_only", b, error=np.nan, cv_force_mae_ev_ang=b, cv_force_mae_shared_se_ev_ang=0.05 * b)
        for b in (20, 40, 80)
    ]
    (curve,) = curves_of(results_frame(rows))
    assert curve.test_relative_se == pytest.approx(0.05)


def test_a_finished_run_without_an_error_is_named():
    with pytest.raises(InputError, match=r"positive finite test_force_mae_ev_ang, found nan in .*'budget': 40"):
        curves_of(results_frame([row("accurate_only", 20), row("accurate_only", 40, error=np.nan)]))


def test_relative_error_of_the_test_set():
    rows = [row("accurate_only", b, error=b / 1000, test_force_mae_se_ev_ang=0.03 * b / 1000) for b in (20, 40, 80)]
    (curve,) = curves_of(results_frame(rows))
    assert curve.test_relative_se == pytest.approx(0.03)
    (curve,) = curves_of(results_frame([row("accurate_only", 20)]))
    assert curve.test_relative_se == 0.0


def test_adjusted_errors_count_where_all_runs_have_them():
    def rows(*adjusted):
        return [
            row(
                "accurate_only",
                20 * (place + 1),
                test_force_mae_se_ev_ang=0.002,
                test_force_mae_adjusted_ev_ang=value,
                test_force_mae_adjusted_se_ev_ang=0.001,
            )
            for place, value in enumerate(adjusted)
        ]

    (curve,) = curves_of(results_frame(rows(0.025, 0.02)))
    np.testing.assert_allclose(curve.error_ev_ang, [0.025, 0.02])
    assert curve.test_relative_se == pytest.approx(0.045)
    (curve,) = curves_of(results_frame(rows(0.025, np.nan)))
    np.testing.assert_allclose(curve.error_ev_ang, [0.02, 0.02])
    assert curve.test_relative_se == pytest.approx(0.1)
