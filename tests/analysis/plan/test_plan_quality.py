"""Plans of simulated sweeps against an oracle (a small benchmark): kept, not wasteful, not shy."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).resolve().parents[3] / "benchmarks" / "plan_quality.py"


@pytest.fixture(scope="module")
def quality():
    """The benchmark as a module."""
    found = importlib.util.spec_from_file_location("plan_quality", PATH)
    module = importlib.util.module_from_spec(found)
    sys.modules["plan_quality"] = module
    found.loader.exec_module(module)
    return module


def test_oracle_meets_the_target_as_probably_as_asked_and_no_cheaper(quality):
    for seed in range(5):
        world = quality.draw_world(np.random.default_rng(seed))
        price, labels = world.oracle()
        assert np.isfinite(price)
        near = [world.kept(s, labels, c) for s in quality.ASSISTED for c in np.geomspace(500, 8000, 25)]
        assert max([*near, world.kept("accurate_only", labels, 0)]) >= 0.9 - 1e-9


def test_plans_are_kept_at_a_fair_price(quality):
    rows = [row for seed in range(6) for row in quality.judge(seed)]
    careful = [row for row in rows if row["rule"] == "P >= .9, curves and surface" and row["promised"]]
    daring = [row for row in rows if row["rule"] == "P >= .5, curves" and row["promised"]]
    assert len(careful) >= 4
    assert np.mean([row["kept"] for row in careful]) > 0.75
    assert np.median([row["ratio"] for row in careful]) < 1.8
    assert np.mean([row["kept"] for row in daring]) < np.mean([row["kept"] for row in careful])
