"""A tiny sweep with searches that prune or know no rounds, run with or without an interruption."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from study.config.sweep_text import parse_sweep
from study.engine.executors import SerialExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.tables.results import read_results
from study.tables.trials import read_trials

if TYPE_CHECKING:
    from concurrent.futures import Future

    import pandas as pd

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.config.sweep import Sweep
    from study.engine.executors import PackJob
    from study.recipes.packs import Pack
    from study.recipes.workload import Workload

SWEEP = """
name: searching
data: {dataset: methanol}
test: {groups: [3]}
strategies: [pretrain_finetune, asteroid]
budgets: [15, 20]
n_cheap: [40]
gamma_rel: [1, inf]
seeds: [0]
model: {hidden: 6}
descriptors: {n_radial: 3, n_angular: 2, l_max: 1}
identify: {steps: 40, learning_rate: 0.02, validations: 8}
pretrain: {steps: 30, learning_rate: 0.02}
finetune:
  standard: {steps: 40, learning_rate: 0.005, validations: 8}
tune:
  budgets: [15]
  trials: 9
  trials_per_round: 3
  folds: 2
  subset_seeds: [100, 101]
  space:
    gamma_rel: [0.3, 1, inf]
    identify_learning_rate: {low: 0.0001, high: 0.05}
    finetune_learning_rate: {low: 0.0001, high: 0.05}
    hidden: [6, 8]
"""


MEDIAN = "  pruning: {method: median, first: 0.25, startup_trials: 3}\n"


HALVING = "  pruning: {method: successive_halving, first: 0.25}\n"


def sweep_of(*more: str) -> Sweep:
    return parse_sweep(SWEEP + "".join(more), "test", Path())


@cache
def workload_of(*more: str) -> Workload:
    return make_workload(sweep_of(*more))


class Watching(SerialExecutor):
    """Remembers packs; raises before one of them."""

    seen: list[Pack]
    stop_before: int | None = None

    def __init__(self, bank: FrameBank) -> None:
        super().__init__(bank)
        type(self).seen = []

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        if self.stop_before == len(self.seen):
            raise KeyboardInterrupt
        self.seen.append(job.pack)
        return super().submit(job)


def search(folder: Path, *more: str, stop_before: int | None = None) -> type[Watching]:
    class Own(Watching):
        pass

    Own.stop_before = stop_before
    run_workload(workload_of(*more), folder, Own, lambda _: None, lambda _: None)
    return Own


def trials_of(folder: Path) -> pd.DataFrame:
    trials = read_trials(folder)
    assert trials is not None
    return trials.drop(columns="core_s")


def table_of(folder: Path) -> pd.DataFrame:
    return read_results(folder).drop(columns=["recipe_core_s", "use_cpu_s_per_frame"])
