"""Numbers of labels between those that were run: found again where they were planted, and refused where they bend."""

from __future__ import annotations

import numpy as np
import pytest
from planted_plans import table

from analysis.curves.curves import competing_curves, curves_of
from analysis.curves.evidence import evidence_of
from analysis.surface.neighbours import check_counts, gaps, slope_draws

COUNTS = (500, 1000, 2000, 4000)


def law(n, m):
    return 0.05 * (n / 20) ** -0.3 * (m / 1000) ** -0.2


def known(counts=COUNTS, factor=None):
    bent = factor or {}
    laws = {("gdml_residual", m): (lambda n, m=m: law(n, m) * bent.get(m, 1.0)) for m in counts}
    return [evidence_of(curve) for curve in competing_curves(curves_of(table(laws, use={})))]


@pytest.fixture(scope="module")
def straight():
    return known()


def test_a_straight_line_is_told_from_either_side(straight):
    check = check_counts(straight)
    assert check.cells == 12
    assert check.usable
    assert check.covered >= 11
    assert check.log_rmse < 0.05
    found = gaps(straight)
    assert [gap.counts for gap in found] == [(500, 1000), (1000, 2000), (2000, 4000)]
    line = found[1].quantiles(1400, [50.0], kind="curve")[:, 0]
    assert np.quantile(line, 0.05) < np.log(law(50, 1400)) < np.quantile(line, 0.95)


def test_what_a_straight_line_leaves_out_is_nothing_at_its_ends_and_most_in_the_middle(straight):
    gap = gaps(straight)[0]
    assert gap.spread(500) == gap.spread(1000) == 0
    assert gap.spread(707) > gap.spread(550) > 0
    assert gap.nearest(550) is gap.fewer.curve
    assert gap.nearest(900) is gap.more.curve
    assert gap.budgets == (20, 2000)


def test_the_slope_is_that_of_the_law(straight):
    low, high = np.quantile(slope_draws(gaps(straight)[2], 2000, 50), [0.05, 0.95])
    assert low < -0.2 < high


def test_a_level_that_does_not_go_straight_is_not_told():
    check = check_counts(known(factor={1000: 1.6, 2000: 0.7}))
    assert not check.usable


def test_two_numbers_cannot_be_checked():
    assert check_counts(known((500, 4000))) is None
