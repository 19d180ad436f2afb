"""The pre-flight: counts of work, expected times from planted costs, and a real warm-up of every kind of stage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml
from hypothesis import given
from hypothesis import strategies as st
from tiny_sweep import PACKS, SWEEP

from study.config.sweep_text import parse_sweep
from study.forecast.count import core_s_of, make_forecast, makespan, wall_s_of
from study.recipes.workload import Workload, make_workload
from study.run.manifest import ledger_of

if TYPE_CHECKING:
    from pathlib import Path

    from study.recipes.packs import Pack


def per_pack(pack: Pack) -> float:
    return float(len(pack.specs))


def test_the_forecast_is_what_the_run_does(tiny_workload: Workload) -> None:
    forecast = make_forecast(tiny_workload)
    assert [len(pack.specs) for packs in forecast.rounds for pack in packs] == PACKS
    assert forecast.by_kind() == {"identify": (4, 1), "pretrain": (6, 2), "finetune": (8, 1)}
    assert forecast.stages.keys() == tiny_workload.stages.keys()
    assert (forecast.trials, forecast.tuned_rows, forecast.trial_rounds) == (0, 0, [])


def test_expected_times_add_up(tiny_workload: Workload) -> None:
    forecast = make_forecast(tiny_workload)
    assert core_s_of(forecast, per_pack) == 18
    assert wall_s_of(forecast, per_pack, 1) == 18
    assert wall_s_of(forecast, per_pack, 2) == 4 + 3 + 8, "the two packs of pretraining go side by side"
    assert wall_s_of(forecast, per_pack, 9) == 4 + 3 + 8
    identify = {key for key, spec in tiny_workload.stages.items() if spec.kind == "identify"}
    assert core_s_of(forecast, per_pack, identify) == 14
    assert core_s_of(forecast, per_pack, set(sorted(identify)[:3])) == 18, "a pack is trained whole"
    assert wall_s_of(forecast, per_pack, 2, tiny_workload.stages.keys()) == 0


def test_a_search_is_counted_at_its_most(tiny_labels: Path) -> None:
    tune = {"budgets": [10], "trials": 5, "trials_per_round": 2, "folds": 2, "subset_seeds": [7, 8]}
    text = yaml.safe_load(SWEEP) | {"tune": tune | {"space": {"gamma_rel": [0.3, 1.0, math.inf]}}}
    workload = make_workload(parse_sweep(yaml.safe_dump(text), "sweep.yaml", tiny_labels))
    assert [search.strategy for search in workload.searches] == ["asteroid"]
    forecast = make_forecast(workload)
    of_a_trial = [(pack.kind, len(pack.specs)) for packs in forecast.trial_rounds for pack in packs]
    # 2 folds x 2 subset seeds; each fold has its own teacher, so its own weights; batches are shared within a seed.
    assert sorted(of_a_trial) == [("finetune", 4), ("identify", 4), ("pretrain", 2), ("pretrain", 2)]
    assert core_s_of(forecast, per_pack) == 18 + 5 * 12 + sum(len(p.specs) for r in forecast.tuned_rounds for p in r)
    grid_and_tuned = 4 + 3 + 8 + wall_s_of(make_forecast_of_tuned(forecast), per_pack, 2)
    # Rounds of 2, 2 and 1 trials: two packs of 4 side by side, then four of 2.
    assert wall_s_of(forecast, per_pack, 2) == grid_and_tuned + 2 * (4 + 4 + 4) + (4 + 2 + 4)
    assert forecast.tuned_rows == 4
    labels = ledger_of(workload.data, forecast.stages.values())["accurate_labels_assumed_bought"]
    assert labels > ledger_of(workload.data, workload.stages.values())["accurate_labels_assumed_bought"], (
        "subsets of its own"
    )


def make_forecast_of_tuned(forecast: object) -> object:
    from dataclasses import replace

    return replace(forecast, rounds=[], trial_rounds=[], trials=0)  # type: ignore[type-var]


@given(st.lists(st.floats(0, 10), max_size=30), st.integers(1, 8))
def test_makespan_is_bounded(costs: list[float], workers: int) -> None:
    found, total, longest = makespan(costs, workers), sum(costs), max(costs, default=0.0)
    assert found >= max(total / workers, longest) * (1 - 1e-12)
    assert found <= (total / workers + longest) * (1 + 1e-12)  # Graham 1966: list scheduling


def test_makespan_by_hand() -> None:
    assert makespan([3, 1, 1, 1], 2) == 3
    assert makespan([3, 1], 10**400) == 3
    assert makespan([], 2) == 0
    assert makespan([1, 1, 1, 3], 2) == 4
