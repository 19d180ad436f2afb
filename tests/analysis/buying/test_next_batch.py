import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.buying.next_batch import cheapest_next, sizes

N = np.array([16.0, 18, 21, 25, 30, 40])
STOPS = np.array([0.0, 0.1, 0.3, 0.5, 0.8, 1.0])


@given(st.integers(5, 500), st.integers(1, 3000), st.integers(1, 50))
def test_sizes_go_from_the_owned_to_the_most(owned, most, least):
    n = sizes(owned, most, least)
    assert n[0] == owned
    assert n[-1] == max(owned, most)
    assert (np.diff(n) >= 1).all()
    assert len(n) == 1 or n[1] - n[0] >= min(least, most - owned)


@pytest.mark.parametrize(("label", "look"), [(1.0, 0.0), (1.0, 3.0), (1.0, 30.0)])
def test_the_cost_is_the_smallest_of_all_plans(label, look):
    """Every increasing sequence of looks that ends at the last number, one by one."""
    best = (np.inf, 0.0)
    for count in range(len(N) - 1):
        for inner in itertools.combinations(range(1, len(N) - 1), count):
            cost, at = 0.0, 0
            for to in (*inner, len(N) - 1):
                cost += (1 - STOPS[at]) * (label * (N[to] - N[at]) + look)
                at = to
            best = min(best, (cost, N[(*inner, len(N) - 1)[0]]))
    assert cheapest_next(N, STOPS, label, look) == (int(best[1]), pytest.approx(best[0]))


def test_dear_looks_make_large_batches():
    asked = [cheapest_next(N, STOPS, 1.0, look)[0] for look in (0.0, 2.0, 100.0)]
    assert asked == sorted(asked)
    assert (asked[0], asked[-1]) == (18, 40)
