from __future__ import annotations

import json
from functools import cache

import pytest

from asteroid.datasets import Dataset, load_methanol


@cache
def methanol() -> Dataset:
    return load_methanol()


def test_card_states_prices_and_sources() -> None:
    card = methanol().card
    assert card.accurate.price_cpu_s == 28.0
    assert "stock PySCF" in card.accurate.price_source
    assert card.accurate.measured_cpu_s_median == pytest.approx(6.17, abs=0.01)
    assert card.accurate.sampling_price_cpu_s == 0.0
    assert card.cheap.price_cpu_s == 0.0014
    assert card.cheap.sampling_price_cpu_s == 0.028
    assert card.temperature_k == 500.0
    assert card.test_groups == (3,)


def test_card_is_readable_as_lines_and_json() -> None:
    lines = methanol().card.lines()
    text = "\n".join(lines)
    assert all(line and "\n" not in line for line in lines)
    for words in ("28 CPU s a label", "1.4 CPU ms a label and 28 CPU ms to sample a frame", "1,360 frames", "kcal/mol"):
        assert words in text
    data = json.loads(json.dumps(methanol().card.to_json()))
    assert data["accurate"]["frames_by_group"] == {"0": 358, "1": 327, "2": 340, "3": 335}
    assert data["cheap"]["price_cpu_s"] == 0.0014
