"""Sentences about options: what is bought, what a prediction costs, and why something cannot be promised."""

import math
from dataclasses import replace

import pytest
from planning import plan_target
from planted_plans import LAWS, PRICES, SCRATCH, table

from analysis.caveats import Caveat
from analysis.plan.words import explain, refusal, use_text
from asteroid.measured_errors import Measured

TABLE = table()
PLAN = plan_target(TABLE, PRICES, 0.018)


def test_owned_labels_are_never_more_than_those_that_are_needed():
    plan = plan_target(TABLE, PRICES, 0.018, already={"ccsd_t/cc-pvdz": 10_000})
    text = explain(plan)[1]
    assert f"{plan.choice.n_accurate:,} of them owned" in text
    assert "10,000" not in text


def test_an_interval_of_one_number_is_said_as_one():
    assert any(line.startswith("5% of runs would need no more than") for line in map(str.strip, explain(PLAN)))
    option = replace(PLAN.choice, interval_n=(16, 16), interval_cpu_s=(448.0, 448.0))
    text = explain(replace(PLAN, choice=option))
    assert "For 95% of runs it takes 16 labels (7.5 min), and no fewer for 5%." in map(str.strip, text)


def test_use_names_the_cheap_method_where_it_runs_at_every_prediction():
    live = next(o for o in (PLAN.choice, *PLAN.alternatives) if o.key.strategy == "gdml_delta")
    network = next(o for o in (PLAN.choice, *PLAN.alternatives) if o.key.strategy == "accurate_only")
    assert "GFN2-xTB at every prediction" in use_text(live, "gfn2-xtb")
    assert "xTB" not in use_text(network, "gfn2-xtb")
    unknown = replace(network, use_cpu_s_per_frame=math.nan, use_cpu_s=math.nan)
    assert use_text(unknown, "gfn2-xtb") == ""
    assert "it runs GFN2-xTB" in use_text(replace(live, use_cpu_s_per_frame=math.nan), "gfn2-xtb")


def test_a_refusal_says_how_probable_the_most_labels_are_and_why_there_are_no_more():
    option = plan_target(table({SCRATCH: LAWS[SCRATCH]}), PRICES, 1e-4).alternatives[0]
    assert f"even with {option.n_accurate:,} labels, 4 times the largest budget" in refusal(option)
    few = replace(option, status=(Caveat.TOO_FEW_BUDGETS, Caveat.SAMPLED_BUDGETS_ONLY))
    assert "at the largest budget" in refusal(few)
    assert Caveat.TOO_FEW_BUDGETS.sentence in refusal(few)
    assert "without accurate labels" in refusal(replace(option, largest_budget=0))
    assert "never, with any number of labels: 40%" in refusal(replace(option, p_never=0.4))


def test_a_target_on_energies_is_called_one():
    assert "a force MAE of " in explain(PLAN)[0]
    plan = replace(PLAN, measured=Measured.ENERGIES, n_test=0)
    said = explain(plan, force_unit="meV")
    assert "an energy MAE of 18 meV in one new run" in said[0]
    assert "Errors are cross-validated energy MAEs inside the bought labels: no test label was needed." in said


@pytest.mark.parametrize("unit", ["kcal/mol/Å", "meV/Å"])
def test_the_target_is_said_in_the_unit_that_is_asked_for(unit):
    assert f"{0.018 / (0.001 if unit == 'meV/Å' else 0.0433641):.3g} {unit}" in explain(PLAN, force_unit=unit)[0]
