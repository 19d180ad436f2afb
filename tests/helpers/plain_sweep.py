"""A sweep of the packaged labels as plain data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from asteroid.errors import InputError
from study.config.sweep_text import parse_sweep

if TYPE_CHECKING:
    from study.config.sweep import Sweep

SCHEDULE = {"steps": 100, "learning_rate": 0.01}


def sweep_data(**changes: Any) -> dict[str, Any]:
    data = {
        "name": "one",
        "data": {"dataset": "methanol"},
        "test": {"groups": [3]},
        "strategies": ["accurate_only", "cheap_only", "pretrain_finetune", "asteroid"],
        "budgets": [20, 50],
        "n_cheap": [500],
        "gamma_rel": [1.0, math.inf],
        "seeds": [0, 1],
        "identify": dict(SCHEDULE),
        "pretrain": dict(SCHEDULE),
        "finetune": {"standard": dict(SCHEDULE)},
    }
    merged = {**data, **changes}
    return {key: value for key, value in merged.items() if value is not ...}


def parse(data: Any) -> Sweep:
    return parse_sweep(data if isinstance(data, str) else yaml.safe_dump(data), "sweep.yaml", Path("/data"))


def refusal(data: Any) -> str:
    """The one line that a broken sweep is answered with."""
    with pytest.raises(InputError) as caught:
        parse(data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("sweep.yaml")
    return message
