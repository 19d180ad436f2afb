"""Run a sweep: missing stages in packs, every finished one kept, rows as soon as their stages exist."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import torch

from asteroid.training.schedule import TRAINER_VERSION
from study.engine.engine import StageEngine
from study.engine.store import StageStore
from study.files import write_json
from study.recipes.frames import TABLES_BYTES, describe_frames, expected_bytes, refuse_too_many_frames
from study.recipes.packs import by_urgency
from study.recipes.recipes import make_tuned_recipes
from study.run.folder import OWN_STORE, check_disk_space, check_folder, claimed, read_record, store_of
from study.run.manifest import make_manifest
from study.run.prediction_cost import UseMeter
from study.run.rows import make_rows
from study.search.journal import open_journal
from study.search.runner import SearchRunner
from study.search.trial_tracker import TrialBook
from study.tables.molecules import MOLECULES_FILE, molecules_frame, write_molecules
from study.tables.results import results_frame, write_results
from study.tables.trials import write_importances, write_trials

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from asteroid.descriptors.frame_bank import FrameBank
    from study.engine.executors import Executor
    from study.engine.progress import Progress
    from study.recipes.workload import Workload


#: Failures that the manifest keeps, the last ones.
_FAILURES_KEPT = 20


#: How often manifest and table follow the stages that are finished, s, and how little of the time that may take.
_RECORD_EVERY_S, _RECORD_SHARE = 30.0, 0.02


#: A half-written stage in a shared store is left alone for so long, as its writer may live; writing takes milliseconds.
_LEFTOVER_S = 3600.0


def run_workload(
    workload: Workload,
    folder: Path,
    make_executor: Callable[[FrameBank], Executor],
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
    *,
    extend: bool = False,
    store: Path | None = None,
) -> pd.DataFrame:
    """Train what is missing and write the tables; repeated, it continues.

    Args:
        workload: from `make_workload`.
        folder: the run folder; created if need be.
        make_executor: makes the executor from the described frames.
        on_progress: called at every change worth showing.
        on_note: called with a line about something that was repaired or chosen on the way.
        extend: allow a sweep that only adds budgets, seeds and the like to the folder's own.
        store: folder of finished stages that several runs share, also at the same time; None: the run's own.

    Returns:
        the results table, as written to the folder; empty where the sweep only searches.

    Raises:
        InputError: the folder belongs to another sweep or another driver, its finished stages lie in another store, or
            the disk or memory is too small.
        PackFailedError: a pack failed several times; what is finished is kept, the reasons are in the manifest.
        OSError: the disk filled up on the way; what is finished is kept.
    """
    check_folder(folder, workload.sweep, extend=extend)
    refuse_too_many_frames(workload, workload.stages.values())
    check_disk_space(store_of(folder, store), expected_bytes(workload))
    check_disk_space(folder, TABLES_BYTES)
    # Two threads on small products cost more than they save, and results must not depend on the number of cores.
    torch.set_num_threads(1)
    with claimed(folder, workload.sweep, extend=extend):
        return _run(workload, folder, store_of(folder, store), make_executor, on_progress, on_note)


def _run(
    workload: Workload,
    folder: Path,
    root: Path,
    make_executor: Callable[[FrameBank], Executor],
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
) -> pd.DataFrame:
    shared = root.resolve() != (folder / OWN_STORE).resolve()
    before_this = read_record(folder)
    run_id = before_this.get("run_id") or secrets.token_hex(8)
    place = {"run_id": run_id, "store": str(root.resolve()) if shared else OWN_STORE}
    store = StageStore(root, run_id)
    store.sweep_leftovers(_LEFTOVER_S if shared else 0.0)
    earlier = list(before_this.get("failures", []))
    due = 0.0

    def record(status: str, rows_from: tuple[FrameBank, UseMeter] | None = None) -> pd.DataFrame:
        nonlocal due
        began = time.monotonic()
        manifest = make_manifest(workload, status, engine.known, engine.sharing, place)
        failures = [*earlier, *map(asdict, engine.failures)]
        write_json(folder / "manifest.json", manifest | {"failures": failures[-_FAILURES_KEPT:]})
        table = results_frame([])
        if rows_from is not None:
            rows, molecule_rows = make_rows(workload, rows_from[0], engine.results, rows_from[1])
            table = results_frame(rows)
            write_results(table, folder)
            if workload.data.test.varied:
                write_molecules(molecules_frame(molecule_rows), folder)
            else:  # one of labels that were several molecules once
                (folder / MOLECULES_FILE).unlink(missing_ok=True)
        now = time.monotonic()
        due = now + max(_RECORD_EVERY_S, (now - began) / _RECORD_SHARE)
        return table

    known_rows: tuple[FrameBank, UseMeter] | None = None  # none before the searches have chosen their settings

    def record_when_due() -> None:
        if time.monotonic() >= due:
            record("running", known_rows)

    engine = StageEngine(store, on_progress, on_note, record_when_due)
    missing = engine.recall(workload.requests)
    _say_what_was_found(engine, store, on_note, shared=shared, missing=len(missing))
    record("running")
    engine.announce("describing frames")
    # What a search will choose is not known yet: its rows may need any frame that the others have finished with.
    bank = describe_frames(workload, workload.stages.values() if workload.searches else missing)
    meter = UseMeter(workload.data, bank.layout)
    executor = make_executor(bank)
    try:
        engine.start_clock()
        if workload.searches:
            before = len(workload.recipes)
            workload = _search(workload, folder, bank, engine, executor, on_note)
            engine.recall(spec for recipe in workload.recipes[before:] for spec in recipe.stages)
        known_rows = (bank, meter)
        engine.train(by_urgency(workload.rounds), executor)
    except BaseException:
        with suppress(OSError):  # a full disk is what may have ended the run
            record("running", known_rows)
        raise
    finally:
        executor.close()
    return record("complete", known_rows if workload.recipes else None)


def _say_what_was_found(
    engine: StageEngine, store: StageStore, on_note: Callable[[str], None], *, shared: bool, missing: int
) -> None:
    if shared:
        on_note(f"store {store.root}: {len(engine.results)} of {len(engine.known)} stages are there already")
    others = store.other_trainer_versions() if missing else ()
    if others:
        versions = ", ".join(map(str, others))
        on_note(
            f"the store has stages of trainer version {versions}, this is version {TRAINER_VERSION}: those are not "
            "used, what is needed of them is trained again"
        )


def _search(
    workload: Workload,
    folder: Path,
    bank: FrameBank,
    engine: StageEngine,
    executor: Executor,
    on_note: Callable[[str], None],
) -> Workload:
    """Make the searches of a sweep, write their tables, and add rows with the chosen settings in mode `curve`."""
    journal = open_journal(folder, on_note)
    book = TrialBook(workload.searches, workload.builder, workload.data.prices, journal, bank, engine)
    runner = SearchRunner(book, workload.sweep.pack_size)
    searched = {search.strategy for search in workload.searches}
    for strategy in workload.sweep.strategies:
        if strategy not in searched:
            on_note(f"{strategy} has nothing to search: left out of the trials")
    try:
        runner.run(engine, executor)
    finally:
        trials = runner.trials()
        write_trials(trials, folder)
    for name, states in trials.groupby("study", sort=False)["state"]:
        if "COMPLETE" not in set(states):
            on_note(f"all {len(states)} trials of {name!r} failed, so it chose nothing: try lower learning rates")
    importances = runner.importances()
    if len(importances):
        write_importances(importances, folder)
    chosen = runner.chosen()
    for tuned in chosen:
        on_note(tuned.sentence())
    if workload.sweep.mode != "curve":
        return workload
    return replace(workload, recipes=[*workload.recipes, *make_tuned_recipes(workload.sweep, workload.builder, chosen)])
