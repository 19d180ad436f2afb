"""Two thousand damaged inputs through every door, as `benchmarks/fuzz.py` makes them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def test_damaged_inputs_are_refused_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    fuzz = importlib.import_module("fuzz")
    report = fuzz.fuzz(2000, seed=2)
    assert report.failures == []
    assert min(report.refused[name] for name in fuzz.DOORS if name != "arguments") > 5
