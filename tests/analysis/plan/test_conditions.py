"""What holds for all options: labels that are owned, the use that is declared, targets that make sense."""

import math

import pytest
from planning import plan_price, plan_target
from planted_plans import ACCURATE, LABEL, PRICES, SAMPLING, table

from analysis.plan.conditions import Target
from analysis.plan.words import explain
from asteroid.errors import InputError

TABLE = table()


def test_owned_labels_cost_nothing():
    base = plan_target(TABLE, PRICES, 0.014)
    some = plan_target(TABLE, PRICES, 0.014, already={"ccsd_t/cc-pvdz": 60})
    assert some.choice.n_accurate == base.choice.n_accurate
    assert base.choice.cost_cpu_s - some.choice.cost_cpu_s == pytest.approx(60 * ACCURATE)
    assert "60 of them owned" in "\n".join(explain(some))
    assert some.to_json()["already"] == {"ccsd_t/cc-pvdz": 60}
    frames = {"gfn2-xtb": 1000}
    cheap = [
        next(o for o in plan_target(TABLE, PRICES, 0.03, already=a).alternatives if o.key.n_cheap) for a in ({}, frames)
    ]
    assert cheap[0].cheap_cpu_s - cheap[1].cheap_cpu_s == pytest.approx(1000 * (LABEL + SAMPLING))
    more = plan_price(TABLE, PRICES, 3600.0, already={"ccsd_t/cc-pvdz": 60}).choice
    less = plan_price(TABLE, PRICES, 3600.0).choice
    assert more.n_accurate - less.n_accurate == pytest.approx(60, abs=1)


def test_use_decides_for_long_simulations():
    """Delta-learning needs the fewest labels; its live cheap method costs more than they save after 1e6 steps."""
    short = plan_target(TABLE, PRICES, 0.018, md_steps=1e3).choice
    long = plan_target(TABLE, PRICES, 0.018, md_steps=1e8)
    assert short.key.strategy == "gdml_delta"
    assert long.choice.key.strategy != "gdml_delta"
    assert long.choice.use_cpu_s == pytest.approx(1e4)
    assert "1e+08 MD steps" in "\n".join(explain(long))
    assert long.to_json()["md_steps"] == 1e8
    assert plan_price(TABLE, PRICES, 2e4, md_steps=1e6).choice.key.strategy == "gdml_delta"
    assert plan_price(TABLE, PRICES, 2e4, md_steps=1e8).choice.key.strategy != "gdml_delta"


def test_use_that_was_not_measured_comes_last_and_is_said():
    unknown = table(use={"accurate_only": 1e-4, "pretrain_finetune": 1e-4})
    plan = plan_target(unknown, PRICES, 0.018, md_steps=1e3)
    assert plan.choice.key.strategy == "pretrain_finetune"
    delta = next(o for o in plan.alternatives if o.key.strategy == "gdml_delta")
    assert "use_not_measured" in delta.status
    assert "use_not_measured" not in plan_target(unknown, PRICES, 0.018).choice.status
    with pytest.raises(InputError, match="found none in this run"):
        plan_target(table(use={}), PRICES, 0.018, md_steps=1e3)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"already": {"mp2": 3}}, "no labels of level 'mp2'"),
        ({"already": {"gfn2-xtb": -3}}, "at least 0, found -3"),
        ({"md_steps": -1.0}, "MD steps is at least 0"),
    ],
)
def test_conditions_that_cannot_hold(asked, says):
    with pytest.raises(InputError, match=says):
        plan_target(TABLE, PRICES, 0.02, **asked)


@pytest.mark.parametrize("target", [0.0, -0.1, math.nan, math.inf])
def test_bad_target(target):
    with pytest.raises(InputError, match="a target error must be positive"):
        Target(target)


@pytest.mark.parametrize("confidence", [0.0, 0.3, 1.0, math.nan])
def test_bad_confidence(confidence):
    with pytest.raises(InputError, match=r"a confidence lies between 0\.5 and 0\.99"):
        Target(0.02, confidence)
