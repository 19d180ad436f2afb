"""A tiny sweep that searches before it fills its rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from study.config.sweep_text import parse_sweep

if TYPE_CHECKING:
    from study.config.sweep import Sweep

SWEEP = """
name: tuned
data: {dataset: methanol}
test: {groups: [3]}
strategies: [accurate_only, pretrain_finetune, asteroid]
budgets: [10, 15, 20]
n_cheap: [40]
gamma_rel: [1, inf]
seeds: [0, 1]
model: {hidden: 6}
descriptors: {n_radial: 3, n_angular: 2, l_max: 1}
identify: {steps: 30, learning_rate: 0.02}
pretrain: {steps: 30, learning_rate: 0.02}
finetune:
  standard: {steps: 20, learning_rate: 0.005}
tune:
  budgets: [15]
  trials: 5
  trials_per_round: 2
  folds: 2
  subset_seeds: [100, 101]
  space:
    gamma_rel: [0.3, 1, inf]
    identify_learning_rate: {low: 0.003, high: 0.05}
    finetune_learning_rate: {low: 0.001, high: 0.02}
    hidden: [6, 8]
"""


def sweep_of(text: str = SWEEP) -> Sweep:
    return parse_sweep(text, "test", Path())
