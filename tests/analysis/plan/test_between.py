"""Numbers of lower labels between those that were run, where a surface does not know the strategy."""

from __future__ import annotations

import numpy as np
import pytest
from planted_plans import LABEL, PRICES, SAMPLING, table

from analysis.plan.answers import counts_json, explain_counts
from analysis.plan.between import candidates_between
from analysis.plan.conditions import Conditions, Target
from analysis.plan.options import option_of
from analysis.plan.run_evidence import RunEvidence


def law(n, m):
    return 0.05 * (n / 20) ** -0.3 * (m / 1000) ** -0.2


def run(counts):
    laws = {("gdml_residual", m): (lambda n, m=m: law(n, m)) for m in counts}
    return RunEvidence(table(laws, use={}), PRICES)


def test_they_compete_where_those_that_were_run_tell_each_other():
    known = run((500, 1000, 4000))
    conditions = Conditions(PRICES, {}, 0.0, None)
    found = candidates_between(known, conditions)
    assert [own.key.n_cheap for own in found] == [590, 710, 840, 1400, 2000, 2800]
    for candidate in found:
        option = option_of(candidate, Target(0.035), conditions)
        assert option.promised
        assert "interpolated_count" in option.status
        assert law(option.n_accurate, candidate.key.n_cheap) < 0.035
        assert option.cheap_cpu_s == pytest.approx(candidate.key.n_cheap * (LABEL + SAMPLING))
    needed = next(found[3].needed([0.035]))
    met = needed.probabilities(np.array([20.0, 60.0, 200.0, 1000.0]))
    assert (np.diff(met) >= 0).all()
    assert needed.probabilities(needed.quantiles(np.array([0.9]))) == pytest.approx(0.9)
    assert "means lie in their 90 % bands" in explain_counts(known.count_check)[0]
    assert counts_json(known.count_check)["usable"]


def test_two_numbers_tell_nothing_between_them():
    known = run((500, 4000))
    assert candidates_between(known, Conditions(PRICES, {}, 0.0, None)) == []
    assert explain_counts(known.count_check) == []
    assert counts_json(known.count_check) is None
