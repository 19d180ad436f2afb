"""Options between the runs: numbers of cheap frames on the surface compete with those that were run."""

import json

import pytest
from planning import plan_target
from planted_plans import LABEL, PRICES, SAMPLING, SURFACE_TABLE, surface_law, table

from analysis.plan.answers import explain_surface, surface_json
from analysis.plan.conditions import Conditions, Target
from analysis.plan.options import curve_candidates, option_json, option_of
from analysis.plan.run_evidence import RunEvidence
from analysis.surface.transfer import surface_of


def test_numbers_of_cheap_frames_between_runs_compete():
    fitted = surface_of(SURFACE_TABLE)
    assert fitted.usable
    only_run = plan_target(SURFACE_TABLE, PRICES, 0.016).choice
    between = plan_target(SURFACE_TABLE, PRICES, 0.016, surface=fitted).choice
    assert between.total_cpu_s <= only_run.total_cpu_s
    if between.key.n_cheap not in (100, 1000, 20000):
        assert "interpolated_cheap" in between.status
        assert between.total_cpu_s < 0.95 * only_run.total_cpu_s
        truth = surface_law(between.n_accurate, between.key.n_cheap)
        assert truth < 0.016
        assert between.cheap_cpu_s == pytest.approx(between.key.n_cheap * (LABEL + SAMPLING))
    assert "of 4 of their means" not in explain_surface(fitted)
    assert "of their means lie in its 90 % bands" in explain_surface(fitted)[0]
    data = surface_json(fitted)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert explain_surface(None) == []


def test_each_curve_is_one_option_and_its_probability_rises_with_the_labels_asked_for():
    run = RunEvidence(table(), PRICES)
    conditions = Conditions(PRICES, {}, 0.0, None)
    candidates = curve_candidates(run, conditions)
    less, more = (
        [option_of(candidate, Target(0.018, confidence), conditions) for candidate in candidates]
        for confidence in (0.5, 0.95)
    )
    assert [o.label for o in less] == list(run.competing)
    for lax, strict in zip(less, more, strict=True):
        assert lax.n_accurate <= strict.n_accurate
        if strict.promised:
            assert strict.probability >= 0.95
            assert strict.interval_n[0] <= lax.n_accurate <= strict.n_accurate == strict.interval_n[1]
        assert set(option_json(lax)) == set(option_json(strict))
