"""A study of the packaged labels."""

from __future__ import annotations

from pathlib import Path

from study.config.sweep_text import parse_sweep
from study.data.load import StudyData, load_data


def packaged(extra: str = "", *, budgets: str = "[20]", n_cheap: str = "[500]", test: str = "groups: [3]") -> StudyData:
    text = f"""
name: packaged
data: {{dataset: methanol{extra}}}
test: {{{test}}}
strategies: [accurate_only, cheap_only]
budgets: {budgets}
n_cheap: {n_cheap}
seeds: [0]
identify: {{steps: 100, learning_rate: 0.01}}
pretrain: {{steps: 100, learning_rate: 0.01}}
"""
    return load_data(parse_sweep(text, "sweep.yaml", Path()))
