"""A thousand damaged inputs through every door, as `benchmarks/fuzz.py` makes them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def test_damaged_inputs_are_refused_with_one_line() -> None:
    path = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"
    spec = importlib.util.spec_from_file_location("fuzz", path)
    assert spec is not None
    assert spec.loader is not None
    fuzz = sys.modules["fuzz"] = importlib.util.module_from_spec(spec)  # its dataclasses look their module up
    spec.loader.exec_module(fuzz)
    report = fuzz.fuzz(1000, seed=2)
    assert report.failures == []
    assert min(report.refused[name] for name in fuzz.DOORS if name != "arguments") > 20
