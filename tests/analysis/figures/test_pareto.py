"""Non-dominated points: against the definition, point by point."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analysis.figures.pareto import draw_steps, non_dominated

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30)


@settings(deadline=None)
@given(POINTS)
def test_kept_points_are_those_that_none_beats(points):
    kept = non_dominated([p for p, _ in points], [e for _, e in points])
    for at, (price, error) in enumerate(points):
        beaten = any(p <= price and e <= error and (p, e) != (price, error) for p, e in points)
        first = points.index((price, error)) == at
        assert kept[at] == (not beaten and first)


@settings(deadline=None)
@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_points_does_not_matter(points, random):
    mixed = random.sample(points, len(points))
    fronts = []
    for each in (points, mixed):
        price, error = np.array(each, dtype=float).reshape(-1, 2).T
        fronts.append(sorted(np.array(each).reshape(-1, 2)[non_dominated(price, error)].tolist()))
    assert fronts[0] == fronts[1]


def test_steps_hold_the_error_until_the_next_price():
    ax = Figure().subplots()
    draw_steps([1.0, 4.0], [3.0, 2.0], ax, until=10.0)
    (line,) = ax.lines
    assert line.get_drawstyle() == "steps-post"
    assert list(line.get_xdata()) == pytest.approx([1, 4, 10])
    assert list(line.get_ydata()) == pytest.approx([3, 2, 2])
    draw_steps([], [], ax, until=10.0)
    assert len(ax.lines) == 1
