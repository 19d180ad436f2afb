"""What one more label of each level saves: planted laws are found again on curves, surfaces and between neighbours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planted_plans import ACCURATE, LABEL, PRICES, SAMPLING, SURFACE_TABLE, surface_law, table

from analysis.plan.labels_for_target import plan_target
from analysis.plan.run_evidence import RunEvidence
from analysis.plan.words import explain
from analysis.plan.worth import worth_json
from analysis.surface.transfer import surface_of
from asteroid.measured_errors import Measured


def law(n, m):
    return 0.05 * (n / 20) ** -0.3 * (m / 1000) ** -0.2


def plan(table, target, surface=None):
    return plan_target(RunEvidence(table, PRICES, surface=surface), target)


@pytest.mark.parametrize("counts", [(500, 4000), (500, 1000, 4000)], ids=["a number that was run", "one between"])
def test_labels_of_a_kernel_are_worth_what_its_law_says(counts):
    found = plan(table({("gdml_residual", m): (lambda n, m=m: law(n, m)) for m in counts}, use={}), 0.035)
    n, m = found.choice.n_accurate, found.choice.key.n_cheap
    accurate, cheap = found.one_more
    assert (accurate.level, accurate.n, accurate.cpu_s) == (PRICES.accurate, n, pytest.approx(ACCURATE))
    assert (cheap.level, cheap.n, cheap.cpu_s) == (PRICES.cheap, m, pytest.approx(LABEL + SAMPLING))
    for worth, truth in ((accurate, law(n, m) - law(n + 1, m)), (cheap, law(n, m) - law(n, m + 1))):
        median, low, high = worth.saved_ev_ang
        assert low < truth < high
        assert low < median < high
    assert accurate.saved_for(2 * ACCURATE)[0] == pytest.approx(2 * accurate.saved_ev_ang[0])
    line = next(line for line in explain(found) if line.startswith("One more label"))
    assert "those for the same price by" in line
    dear = replace(found, one_more=(replace(accurate, cpu_s=100 * ACCURATE), cheap))
    assert "and the same price buys 93,333 of them, too many for this slope (90%" in "\n".join(explain(dear))
    told = worth_json(cheap, Measured.FORCES)
    assert told["saved_force_mae_ev_ang_per_cpu_s"]["p95"] == pytest.approx(cheap.saved_ev_ang[2] / cheap.cpu_s)


def test_a_surface_tells_where_it_holds():
    found = plan(SURFACE_TABLE, 0.016, surface_of(SURFACE_TABLE))
    n, m = found.choice.n_accurate, found.choice.key.n_cheap
    accurate, cheap = found.one_more
    for worth, truth in (
        (accurate, surface_law(n, m) - surface_law(n + 1, m)),
        (cheap, surface_law(n, m) - surface_law(n, m + 1)),
    ):
        assert worth.saved_ev_ang[1] * 0.8 < truth < worth.saved_ev_ang[2] * 1.25


def test_labels_that_come_with_others_and_free_ones_have_no_worth_of_their_own():
    found = plan(table({("gdml_delta", 0): lambda n: law(n, 1000)}), 0.035)
    (accurate,) = found.one_more
    assert accurate.cpu_s == pytest.approx(ACCURATE + LABEL)
    free = plan_target(
        RunEvidence(table({("gdml_delta", 0): lambda n: law(n, 1000)}), PRICES),
        0.035,
        already={PRICES.accurate: 500, PRICES.cheap: 500},
    )
    assert free.one_more[0].cpu_s == pytest.approx(LABEL), "the accurate label is there already, its cheap one is not"
