"""What the driver costs per trial: asking, stage keys, packs, store, scores, telling; training itself takes no time.

    python benchmarks/driver_overhead.py [TRIALS]

The real search loop runs on the packaged methanol labels with an executor that answers at once with untrained models.
Target: at most 50 ms per trial at 1,000 trials.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from asteroid.models.mlp import MLPSettings
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.stage import NetworkStage, StageResult
from study.config.sweep_text import parse_sweep
from study.recipes.workload import make_workload
from study.run.run import run_workload

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageSpec
    from study.engine.executors import PackJob
    from study.recipes.packs import Pack

SWEEP = """
name: overhead
mode: tune
data: {{dataset: methanol}}
test: {{groups: [3]}}
strategies: [pretrain_finetune, asteroid]
budgets: [50]
n_cheap: [500]
gamma_rel: [1, inf]
seeds: [0]
identify: {{steps: 1000, learning_rate: 0.01}}
pretrain: {{steps: 1000, learning_rate: 0.01}}
finetune:
  standard: {{steps: 1000, learning_rate: 0.001}}
tune:
  budgets: [50]
  trials: {trials}
  trials_per_round: 10
  folds: 2
  subset_seeds: [100, 101]
  space:
    gamma_rel: [0.1, 0.3, 1, 3, inf]
    finetune_learning_rate: {{low: 0.0001, high: 0.01}}
    finetune_final_rate: {{low: 0.01, high: 0.5}}
"""


class InstantExecutor:
    """Answers with untrained models."""

    slots = 1
    on_retry: Callable[[Pack, str], None] | None = None

    def __init__(self, bank: FrameBank) -> None:
        self._bank = bank
        frames = next(iter(bank.levels.values()))
        network = MLPSettings().network(bank.layout)
        self._scaling = network.measure_scaling(frames, torch.arange(len(frames.energy)), frames.forces)

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        """Answer at once."""
        future: Future[list[StageResult]] = Future()
        future.set_result([self._untrained(spec) for spec in job.pack.specs])
        return future

    def close(self) -> None:
        """Nothing to give back."""

    def _untrained(self, spec: StageSpec) -> StageResult:
        assert isinstance(spec, NetworkStage)
        parameters = spec.model.network(self._bank.layout).initial_parameters(spec.seeds.weights)
        model = TrainedNetwork(spec.model, parameters, self._scaling, 0.0)
        return StageResult(spec.key, spec.to_json(), model, 0.1, ((spec.steps, 0.1),), 0.0)


def main() -> None:
    per_study = (int(sys.argv[1]) if len(sys.argv) > 1 else 1000) // 2
    workload = make_workload(parse_sweep(SWEEP.format(trials=per_study), "benchmark", Path()))
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        run_workload(workload, Path(folder) / "run", InstantExecutor, lambda _: None, lambda _: None)
        wall_s = time.monotonic() - began
    trials = 2 * per_study
    print(f"{trials} trials of 4 folds: {wall_s:.1f} s in all, {1000 * wall_s / trials:.1f} ms per trial")


if __name__ == "__main__":
    main()
