"""A sweep with every section that some strategy needs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from study.config.sweep_text import parse_sweep
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from study.config.sweep import Sweep

#: The strategies of two levels; those that climb a ladder need a third one.
TWO_LEVELS = [slug for slug, entry in STRATEGIES.items() if not entry.has_intermediate_axis]

SCHEDULE = {"steps": 100, "learning_rate": 0.01}


def sweep_data(*strategies: str, **changes: Any) -> dict[str, Any]:
    """Every section that some strategy needs; `...` removes a key."""
    data = {
        "name": "one",
        "data": {"dataset": "methanol"},
        "test": {"groups": [3]},
        "strategies": list(strategies or TWO_LEVELS),
        "budgets": [20],
        "n_cheap": [500],
        "gamma_rel": [1.0, math.inf],
        "seeds": [0],
        "identify": dict(SCHEDULE),
        "pretrain": dict(SCHEDULE),
        "score_match": {**SCHEDULE, "probes": 3},
        "finetune": {"standard": dict(SCHEDULE)},
    }
    return {key: value for key, value in {**data, **changes}.items() if value is not ...}


def parse(data: dict[str, Any]) -> Sweep:
    return parse_sweep(yaml.safe_dump(data), "sweep.yaml", Path())
