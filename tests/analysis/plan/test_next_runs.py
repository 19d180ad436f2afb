"""Runs to make next: where the target is undecided, each once, none hopeless, and what the labels owned give."""

import json

import pytest
from planning import next_runs
from planted_plans import DELTA, LAWS, PRICES, table

from analysis.plan.answers import explain_next
from asteroid.errors import InputError

TABLE = table()
NONE = {"ccsd_t/cc-pvdz": 0}


def test_next_runs_lie_where_the_target_is_undecided():
    found = next_runs(TABLE, PRICES, 0.016, 3, already=NONE)
    assert len(found.runs) == 3
    assert found.runs[0].key.strategy == "gdml_delta"
    assert all(0 < run.variance_saved < 1 for run in found.runs)
    assert all(run.new_labels == run.budget for run in found.runs)
    assert found.now is None
    lines = explain_next(found, "ccsd_t/cc-pvdz")
    assert len(lines) == 4
    assert "new labels of CCSD(T)/cc-pVDZ" in lines[1]
    data = found.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_next_runs_prefer_labels_that_are_there():
    free = next_runs(TABLE, PRICES, 0.016, 1, already={"ccsd_t/cc-pvdz": 500}).runs[0]
    paid = next_runs(TABLE, PRICES, 0.016, 1, already=NONE).runs[0]
    assert free.budget > paid.budget
    assert free.new_labels == max(free.budget - 500, 0)
    assert free.variance_saved >= paid.variance_saved


def test_each_run_is_named_once_and_none_is_hopeless():
    found = next_runs(TABLE, PRICES, 0.016, 30, already=NONE).runs
    named = [(run.label, run.budget) for run in found]
    assert len(named) == len(set(named)) > 3
    assert min(run.probability for run in found) >= 0.05
    first = [run.variance_saved for run in found if run.label == found[0].label]
    assert first[0] == max(first), "what the first has taken is gone"


def test_runs_go_beyond_the_labels_that_are_there():
    """The target needs some 1,000 labels, the pool has 500: the curve speaks of up to 2,000."""
    delta = table({DELTA: LAWS[DELTA]})
    found = next_runs(delta, PRICES, 0.0075, 12, pool=500)
    assert found.owned == {"ccsd_t/cc-pvdz": 500}
    assert max(run.budget for run in found.runs) > 500
    assert all(run.budget <= 2000 for run in found.runs)
    assert all(run.new_labels == max(run.budget - 500, 0) for run in found.runs)


def test_what_the_labels_owned_give_now():
    now = next_runs(TABLE, PRICES, 0.016, 1, pool=100).now
    assert now.n_accurate == 100
    median, low, high = now.error_ev_ang
    assert low < median < high
    assert median == pytest.approx(LAWS[DELTA](100), rel=0.05)
    line = explain_next(next_runs(TABLE, PRICES, 0.016, 1, pool=100), "ccsd_t/cc-pvdz")[0]
    assert line.startswith("With the 100 labels of CCSD(T)/cc-pVDZ that you own: ")
    assert "kcal/mol/Å in 90% of new runs" in line
    assert next_runs(TABLE, PRICES, 0.016, 1, pool=10).now is None, "no curve speaks of so few"


def test_more_test_labels_where_their_own_error_is_what_limits_the_answer():
    sharp, blunt = (next_runs(table(se=se, noise=0.02), PRICES, 0.016, 1, already=NONE) for se in (0.001, 0.3))
    assert sharp.test_labels is None
    assert blunt.test_labels.n_test == 300
    assert blunt.test_labels.relative_se == pytest.approx(0.3)
    assert blunt.test_labels.cost_cpu_s == pytest.approx(300 * 28.0)
    text = "\n".join(explain_next(blunt, "ccsd_t/cc-pvdz"))
    assert "from 30.0% to 21.2%" in text
    json.dumps(blunt.to_json(), allow_nan=False)


def test_nothing_to_learn_where_all_is_decided():
    found = next_runs(TABLE, PRICES, 10.0, 2)
    assert (found.runs, found.test_labels) == ((), None)
    assert "No run would tell more" in explain_next(found, "ccsd_t/cc-pvdz")[0]


@pytest.mark.parametrize(
    ("target", "k", "says"), [(0.02, 0, "at least 1, found 0"), (-0.02, 1, "a target error must be positive")]
)
def test_wishes_that_cannot_be_met(target, k, says):
    with pytest.raises(InputError, match=says):
        next_runs(TABLE, PRICES, target, k)
