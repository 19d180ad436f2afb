"""Run a sweep: missing stages in packs, every finished one kept, rows as soon as their stages exist."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors import make_layout
from asteroid.frames import FrameBank, build_bank
from asteroid.labels import content_hashes
from asteroid.models.mlp import parameter_count
from study.data import StudyData, load_data
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

    from asteroid.stages import StageResult, StageSpec
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


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        activity: what is being done, in words.
        stages_done: finished stages, those of earlier runs included.
        stages_total: distinct stages of the sweep.
        stages_kept: stages found finished at the start.
        steps_done: model-steps trained by this process.
        steps_total: model-steps that this process has to train.
        elapsed_s: wall seconds since training began.
        best_val_ev_ang: by kind of stage, the lowest validation error so far.
        done_by_kind: by kind of stage, (finished, in all).
    """

    activity: str
    stages_done: int
    stages_total: int
    stages_kept: int
    steps_done: int = 0
    steps_total: int = 0
    elapsed_s: float = 0.0
    best_val_ev_ang: dict[str, float] = field(default_factory=dict)
    done_by_kind: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def left_s(self) -> float | None:
        """Expected wall seconds until all stages are trained."""
        if not self.steps_done:
            return None
        return self.elapsed_s * (self.steps_total - self.steps_done) / self.steps_done


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
        return _Runner(plan, folder, on_progress).run(make_executor)


class _Runner:
    """State of one run: what is finished, and what has been seen."""

    def __init__(self, plan: Plan, folder: Path, on_progress: Callable[[Progress], None]) -> None:
        self._plan = plan
        self._folder = folder
        self._on_progress = on_progress
        self._store = StageStore(folder / "store")
        self._stages = plan.stages
        self._results: dict[str, StageResult] = {}
        self._steps_done = 0
        self._steps_total = 0
        self._kept = 0
        self._began = time.monotonic()

    def run(self, make_executor: Callable[[FrameBank], Executor]) -> pd.DataFrame:
        plan = self._plan
        self._recall()
        self._kept = len(self._results)
        missing = [spec for key, spec in self._stages.items() if key not in self._results]
        self._steps_total = sum(spec.schedule.steps for spec in missing)
        self._write_manifest("running")
        self._report("describing frames")
        bank = _describe(plan, missing)
        executor = make_executor(bank)
        self._began = time.monotonic()
        for packs in plan.rounds:
            for pack in packs:
                self._train(pack, executor)
            self._write_rows(bank)
        table = self._write_rows(bank)
        self._write_manifest("complete")
        return table

    def _recall(self) -> None:
        """Load the finished stages of earlier runs; a torn one is removed and trained again."""
        self._store.sweep_leftovers()
        for key in self._stages:
            if key in self._store:
                try:
                    self._results[key] = self._store.load(key)
                except KeyError:
                    shutil.rmtree(self._store.root / key)

    def _train(self, pack: Pack, executor: Executor) -> None:
        wanted = [
            spec.key
            for spec in pack.specs
            if spec.key not in self._results and all(self._usable(key) for key in spec.parents)
        ]
        if not wanted:
            return
        filled = pack.only(wanted)
        parents = {key: self._results[key].model for key in filled.parents}
        what = f"{pack.kind}: {len(wanted)} models on {pack.specs[0].train.level}"
        self._report(what)
        before = self._steps_done

        def on_step(step: int, _: int) -> None:
            self._steps_done = before + step * len(wanted)
            self._report(what)

        # By the places of the full pack: the same stage trained in a filler's place may differ in the last bits.
        for spec, result in zip(pack.specs, executor.submit(filled, parents, on_step).result(), strict=True):
            if spec.key in wanted:
                self._store.save(result)
                self._results[spec.key] = result
        self._steps_done = before + pack.specs[0].schedule.steps * len(wanted)
        self._report(what)

    def _usable(self, key: str) -> bool:
        return key in self._results and self._results[key].status == "ok"

    def _write_rows(self, bank: FrameBank) -> pd.DataFrame:
        rows = make_rows(self._plan, bank, self._results)
        table = results_frame(rows)
        write_results(table, self._folder)
        return table

    def _write_manifest(self, status: str) -> None:
        core_s = sum(result.core_s for result in self._results.values())
        manifest = make_manifest(self._plan, status, len(self._stages), core_s)
        write_json(self._folder / "manifest.json", manifest)

    def _report(self, activity: str) -> None:
        done: dict[str, tuple[int, int]] = {}
        best: dict[str, float] = {}
        for key, spec in self._stages.items():
            finished, total = done.get(spec.kind, (0, 0))
            result = self._results.get(key)
            done[spec.kind] = (finished + (result is not None), total + 1)
            if result is not None:
                best[spec.kind] = min(best.get(spec.kind, np.inf), result.val_force_mae_ev_ang)
        self._on_progress(
            Progress(
                activity=activity,
                stages_done=len(self._results),
                stages_total=len(self._stages),
                stages_kept=self._kept,
                steps_done=self._steps_done,
                steps_total=self._steps_total,
                elapsed_s=time.monotonic() - self._began,
                best_val_ev_ang=best,
                done_by_kind=done,
            )
        )


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
