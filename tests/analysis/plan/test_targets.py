"""The default target: the best strategy's median at the middle budget, never below it."""

import numpy as np
import pytest

from analysis.plan.targets import default_target
from asteroid.units import KCAL_PER_MOL_EV, force_unit_in_ev_ang
from study.counts import COUNT_COLUMNS
from study.tables.results import COLUMNS, results_frame


def table(arms, budgets=(20, 50, 100, 200)):
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for strategy, law in arms.items():
        for budget in (0,) if strategy == "cheap_only" else budgets:
            for seed, noise in enumerate((0.9, 1.0, 1.2)):
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "budget": budget, "seed": seed, "status": "ok", "n_test": 300}
                rows.append(values | {"test_force_mae_ev_ang": law(budget) * noise * KCAL_PER_MOL_EV})
    return results_frame(rows)


ARMS = {"cheap_only": lambda _: 7.0, "accurate_only": lambda n: 40 / n, "pretrain_finetune": lambda n: 13.31 / n}


def test_median_of_the_best_at_the_middle_rounded_up():
    target, source = default_target(table(ARMS))
    assert target / KCAL_PER_MOL_EV == pytest.approx(0.27)
    assert source == "the median error of Pretraining + fine-tuning with 50 accurate labels, rounded up"


@pytest.mark.parametrize("unit", ["kcal/mol/Å", "meV/A", "eV/Å"])
@pytest.mark.parametrize("error", [0.2, 0.29999, 1.0, 9.96, 123.4])
def test_never_below_the_median_and_at_most_a_digit_above(unit, error):
    target, _ = default_target(table({"accurate_only": lambda _: error}), force_unit=unit)
    shown = target / force_unit_in_ev_ang(unit)
    assert error <= target / KCAL_PER_MOL_EV * (1 + 1e-8)
    assert target / KCAL_PER_MOL_EV <= 1.1 * error
    assert float(f"{shown:.2g}") == pytest.approx(shown, rel=1e-9)


def test_cheap_labels_alone():
    target, source = default_target(table({"cheap_only": lambda _: 7.03}))
    assert target / KCAL_PER_MOL_EV == pytest.approx(7.1)
    assert "without accurate labels" in source
