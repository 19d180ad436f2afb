from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.errors import InputError
from study.counts import Counts
from study.prices import LevelPrice, PriceList

PRICES = PriceList(
    accurate="ccsd_t/cc-pvdz",
    cheap="gfn2-xtb",
    levels={
        "ccsd_t/cc-pvdz": LevelPrice(28.0, "measured", sampling_cpu_s=5.0),
        "gfn2-xtb": LevelPrice(0.002, "measured", sampling_cpu_s=0.05),
    },
)
price = st.floats(min_value=0, max_value=1e6)
count = st.integers(0, 10**6)


def test_planted_prices() -> None:
    assert PRICES.accurate_cpu_s(100) == 2800.0  # the geometries are given: no sampling
    assert PRICES.cheap_cpu_s(1000, 1000) == pytest.approx(52.0, rel=1e-14)  # label and sampling
    assert PRICES.cheap_cpu_s(0, 1000) == 50.0  # frames without labels
    assert PRICES.cheap_cpu_s(1000, 0) == 2.0  # labels of geometries that are given
    assert PRICES.cheap_cpu_s(1500, 1000) == pytest.approx(53.0, rel=1e-14)
    assert PRICES.accurate_cpu_s(0) == PRICES.cheap_cpu_s(0, 0) == 0.0
    assert PRICES.cpu_s(Counts(100, 1500, 1000)) == (2800.0, PRICES.cheap_cpu_s(1500, 1000))


@given(count, count, price, price, price)
def test_costs_add_up(n: int, m: int, label: float, cheap_label: float, sampling: float) -> None:
    prices = PriceList("a", "b", {"a": LevelPrice(label, "x"), "b": LevelPrice(cheap_label, "x", sampling)})
    for cost in (prices.accurate_cpu_s, lambda n: prices.cheap_cpu_s(n, n), lambda n: prices.cheap_cpu_s(2 * n, n)):
        assert cost(n + m) == pytest.approx(cost(n) + cost(m), rel=1e-12)
        assert cost(n) >= 0
    assert prices.cheap_cpu_s(n, 0) >= n * cheap_label * (1 - 1e-12)


def test_another_price_for_one_level() -> None:
    changed = PRICES.override("gfn2-xtb", 3.0, "command line")
    assert changed.levels["gfn2-xtb"] == LevelPrice(3.0, "command line", sampling_cpu_s=0.05)
    assert changed.levels["ccsd_t/cc-pvdz"] == PRICES.levels["ccsd_t/cc-pvdz"]
    assert PRICES.levels["gfn2-xtb"].label_cpu_s == 0.002  # the list itself stays


def test_a_level_that_the_run_does_not_have() -> None:
    with pytest.raises(InputError) as caught:
        PRICES.override("pbe/def2-svp", 3.0, "command line")
    message = str(caught.value)
    assert "\n" not in message
    assert "'pbe/def2-svp'" in message
    assert "ccsd_t/cc-pvdz, gfn2-xtb" in message


@settings(max_examples=30, deadline=None)
@given(price, price, st.text(max_size=20))
def test_there_and_back_through_json(label: float, sampling: float, source: str) -> None:
    prices = PRICES.override("gfn2-xtb", label, source)
    assert PriceList.from_json(json.loads(json.dumps(prices.to_json(), allow_nan=False))) == prices
