"""Errors in, summaries out: single runs and published tables, and rows that cannot be used."""

import numpy as np
import pytest

from analysis.curves.power_law import fit_power_law, fit_published, fit_replicates, predict, slope
from analysis.curves.replicates import published_replicates, replicates, without_largest
from asteroid.errors import InputError

BUDGETS = np.array([25.0, 50.0, 100.0, 200.0, 400.0, 800.0])


def test_summary_of_single_runs():
    data = replicates([50, 25, 25, 50], [2.0, 3.0, 5.0, 2.0], [7, 7, 8, 8])
    np.testing.assert_array_equal(data.budget, [25, 50])
    np.testing.assert_allclose(np.exp(data.mean_log), [np.sqrt(15), 2.0])
    assert data.within_ss == pytest.approx([np.log(5 / 3) ** 2 / 2, 0.0])
    np.testing.assert_array_equal(data.crossed, [[1, 1], [1, 1]])
    np.testing.assert_allclose(data.crossed_sum, np.log([[3.0, 5.0], [2.0, 2.0]]))
    assert (data.n_errors, data.within_df) == (4, 2)


def test_seeds_of_the_largest_budget_alone_go_with_it():
    data = without_largest(replicates([25, 25, 50, 50, 50, 50], [5.0, 3.0, 2.0, 2.5, 2.2, 2.1], [7, 8, 7, 8, 9, 10]))
    np.testing.assert_array_equal(data.budget, [25])
    np.testing.assert_array_equal(data.crossed, [[1, 1]])
    np.testing.assert_allclose(data.crossed_sum, np.log([[5.0, 3.0]]))
    assert without_largest(replicates([25, 50], [5.0, 2.0])).crossed.size == 0


def test_a_published_table_gives_the_curve_of_its_runs():
    """Five runs of log-normal noise: their mean and standard deviation say almost as much as they do."""
    rng = np.random.default_rng(0)
    runs = 0.3 * (BUDGETS / 800)[:, None] ** -0.6 * np.exp(0.08 * rng.normal(size=(6, 5)))
    whole = fit_power_law(BUDGETS.repeat(5), runs.ravel())
    # Under one prior: published means alone would be taken to scatter less, and to bend more.
    table = fit_replicates(published_replicates(BUDGETS, runs.mean(axis=1), runs.std(axis=1, ddof=1), 5))
    np.testing.assert_allclose(predict(table, [100.0, 1600.0]), predict(whole, [100.0, 1600.0]), rtol=0.02)
    np.testing.assert_allclose(slope(table), slope(whole), rtol=0.03)
    assert table.lack_of_fit_p == pytest.approx(whole.lack_of_fit_p, abs=0.05)


def test_log_normal_moments_are_exact():
    data = published_replicates([400, 25], [2.0, 3.0], [0.5, 0.3], [4, 3])
    np.testing.assert_array_equal(data.budget, [25, 400])
    np.testing.assert_array_equal(data.count, [3, 4])
    variance = np.log(1 + (np.array([0.3, 0.5]) / [3.0, 2.0]) ** 2)
    np.testing.assert_allclose(data.mean_log, np.log([3.0, 2.0]) - variance / 2)
    assert data.within_ss == pytest.approx([2 * variance[0], 3 * variance[1]])


def test_means_alone_count_as_one_run_each():
    fit = fit_published(BUDGETS, 0.3 * (BUDGETS / 800) ** -0.6)
    assert fit.status == ("one_seed",)
    assert slope(fit)[0] == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (([25, 25], [1.0, 2.0]), "each budget once"),
        (([25, 50], [1.0, -2.0]), r"error -2 in row 1 \(budget 50\)"),
        (([25, 50], [1.0]), "one mean per budget, found 1 means for 2"),
        (([25, 50], [1.0, 2.0], [0.1, 0.1]), "number of runs behind each"),
        (([25, 50], [1.0, 2.0], [0.1, np.nan], 3), r"sd nan over 3 runs in row 1"),
        (([25, 50], [1.0, 2.0], [0.1, 0.1], [3, 2.5]), r"over 2.5 runs in row 1"),
    ],
)
def test_rows_of_means_that_cannot_be_used(words, says):
    with pytest.raises(InputError, match=says):
        published_replicates(*words)


def test_a_seed_is_needed_for_every_error():
    with pytest.raises(InputError, match="one seed per error, found 1 seeds for 2 errors"):
        replicates([25, 50], [1.0, 2.0], [0])


#: Force errors of NequIP, DOI 10.1088/2632-2153/ad1626: Si-GAP-18 with standard deviations over five seeds,
#: C-GAP-20 buckyball from scratch and pretrained.
PUBLISHED = (
    (
        [25, 50, 100, 200, 400, 800, 1600],
        [278.8, 226.7, 203.8, 164.6, 143.0, 127.8, 110.4],
        [25.6, 8.3, 13.8, 4.1, 2.5, 4.3, 3.2],
    ),
    ([15, 30, 60, 120, 240], [646.8, 584.2, 458.7, 391.7, 350.7], None),
    ([15, 30, 60, 120, 240], [492, 436, 367, 341, 304], None),
)


def test_published_points_left_out_lie_in_the_band():
    """Every fit of four or more first budgets, asked for all that follow: at least 80 % in the 90 % band."""
    inside = []
    for n, mean, sd in PUBLISHED:
        for first in range(4, len(n)):
            fit = fit_published(n[:first], mean[:first], sd[:first] if sd else None, 5 if sd else None)
            low, _, high = predict(fit, n[first:], kind="new_run")
            inside += list((low < mean[first:]) & (np.array(mean[first:]) < high))
    assert len(inside) == 8
    assert np.mean(inside) >= 0.8
