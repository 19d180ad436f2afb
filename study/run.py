"""Run a sweep: missing stages in packs, every finished one kept, rows as soon as their stages exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors import make_layout
from asteroid.frames import FrameBank, build_bank
from asteroid.labels import content_hashes
from asteroid.models.mlp import parameter_count
from study.data import StudyData, load_data
from study.engine import Progress, StageEngine
from study.folder import check_folder, check_room, claimed, write_json
from study.manifest import make_manifest
from study.packs import Pack, plan_rounds
from study.recipe import Recipe, make_recipes
from study.results import results_frame, write_results
from study.rows import make_rows
from study.store import StageStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from asteroid.stages import StageSpec
    from study.config import Sweep
    from study.executors import Executor


@dataclass(frozen=True, eq=False)
class Plan:
    """A sweep ready to run: labels with roles, rows to fill, and the stages in rounds of packs."""

    sweep: Sweep
    data: StudyData
    recipes: list[Recipe]
    rounds: list[list[Pack]]

    @property
    def stages(self) -> dict[str, StageSpec]:
        """All distinct stages by key."""
        return {spec.key: spec for packs in self.rounds for pack in packs for spec in pack.specs}


def make_plan(sweep: Sweep) -> Plan:
    """Load the labels of a sweep and lay out its work; nothing is written.

    Raises:
        InputError: the labels do not pass a guard or do not suffice.
    """
    data = load_data(sweep)
    recipes = make_recipes(sweep, data)
    return Plan(sweep, data, recipes, plan_rounds([recipe.stages for recipe in recipes], sweep.pack_size))


def run_plan(
    plan: Plan,
    folder: Path,
    make_executor: Callable[[FrameBank], Executor],
    on_progress: Callable[[Progress], None],
) -> pd.DataFrame:
    """Train what is missing and write the results table; repeated, it continues.

    Args:
        plan: from `make_plan`.
        folder: the run folder; created if need be.
        make_executor: makes the executor from the described frames.
        on_progress: called at every change worth showing.

    Returns:
        the results table, as written to the folder.

    Raises:
        InputError: the folder belongs to another sweep or another driver, or the disk or memory is too small.
    """
    check_folder(folder, plan.sweep)
    check_room(folder, _expected_bytes(plan))
    # Two threads on small products cost more than they save, and results must not depend on the number of cores.
    torch.set_num_threads(1)
    with claimed(folder, plan.sweep):
        return _run(plan, folder, make_executor, on_progress)


def _run(
    plan: Plan,
    folder: Path,
    make_executor: Callable[[FrameBank], Executor],
    on_progress: Callable[[Progress], None],
) -> pd.DataFrame:
    store = StageStore(folder / "store")
    store.sweep_leftovers()
    engine = StageEngine(store, on_progress)
    missing = engine.recall(plan.stages.values())
    _write_manifest(plan, folder, engine, "running")
    engine.announce("describing frames")
    bank = _describe(plan, missing)
    executor = make_executor(bank)
    try:
        engine.start_clock()
        for packs in plan.rounds:
            engine.train(packs, executor)
            table = _write_rows(plan, folder, engine, bank)
    finally:
        executor.close()
    _write_manifest(plan, folder, engine, "complete")
    return table


def _write_rows(plan: Plan, folder: Path, engine: StageEngine, bank: FrameBank) -> pd.DataFrame:
    table = results_frame(make_rows(plan, bank, engine.results))
    write_results(table, folder)
    return table


def _write_manifest(plan: Plan, folder: Path, engine: StageEngine, status: str) -> None:
    core_s = sum(result.core_s for result in engine.results.values())
    write_json(folder / "manifest.json", make_manifest(plan, status, len(plan.stages), core_s))


def _describe(plan: Plan, stages: list[StageSpec]) -> FrameBank:
    """Describe the test frames and all frames of the given stages, each once."""
    data = plan.data
    needed: dict[str, set[str]] = {data.accurate.level: set(content_hashes(data.test)), data.cheap_pool.level: set()}
    for spec in stages:
        for frames in (spec.train, spec.val):
            needed[frames.level].update(frames.hashes)
    sets = []
    for labels in (data.accurate, data.cheap_pool):
        hashes = content_hashes(labels)
        rows = [row for row, h in enumerate(hashes) if h in needed[labels.level]]
        sets.append((labels.select(np.array(rows, dtype=np.int64)), [hashes[row] for row in rows]))
    return build_bank(plan.sweep.descriptors.settings(), sets)


def _expected_bytes(plan: Plan) -> int:
    """Disk that a run takes: weights, stage records, tables and figures, with a margin."""
    layout = make_layout(plan.data.accurate.numbers, plan.sweep.descriptors.settings())
    per_stage = 4 * (parameter_count(layout, plan.sweep.model.settings()) + 2 * layout.width) + 8192
    return int(1.5 * per_stage * len(plan.stages)) + 8 * 2**20
