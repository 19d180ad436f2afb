"""Run a sweep: missing stages in packs, every finished one kept, rows as soon as their stages exist."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import torch

from asteroid.descriptors.placement import bank_on
from asteroid.training.schedule import TRAINER_VERSION
from study.engine.catalog import StageCatalog
from study.engine.failures import FailureLog
from study.engine.progress import ProgressCounter
from study.engine.scheduler import PackScheduler
from study.engine.store import StageStore
from study.recipes.frames import TABLES_BYTES, describe_frames, expected_bytes, refuse_too_many_frames
from study.recipes.packs import by_urgency
from study.recipes.workload import with_tuned_rows
from study.run.folder import OWN_STORE, check_device, check_disk_space, check_folder, claimed, read_record, store_of
from study.run.given_stage import keep_given
from study.run.recorder import RunRecorder
from study.search.runner import run_searches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from asteroid.descriptors.frame_bank import FrameBank
    from study.engine.executors import Executor
    from study.engine.progress import Progress
    from study.recipes.workload import Workload


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
        InputError: the folder belongs to another sweep, device or driver, its finished stages lie in another store, or
            the disk or memory is too small.
        PackFailedError: a pack failed several times; what is finished is kept, the reasons are in the manifest.
        OSError: the disk filled up on the way; what is finished is kept.
    """
    check_folder(folder, workload.sweep, extend=extend)
    check_device(folder, workload.device)
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
    earlier = read_record(folder)
    run_id = earlier.get("run_id") or secrets.token_hex(8)
    store = StageStore(root, run_id)
    store.sweep_leftovers(_LEFTOVER_S if shared else 0.0)
    progress, failures = ProgressCounter(on_progress), FailureLog(on_note)
    catalog = StageCatalog(store, progress, on_note)
    identity = {"run_id": run_id, "store": str(root.resolve()) if shared else OWN_STORE}
    recorder = RunRecorder(folder, workload, catalog, failures, identity, earlier.get("failures", []))
    keep_given(workload, store)
    missing = catalog.request(workload.requests)
    _say_what_was_found(catalog, store, on_note, shared=shared, missing=len(missing))
    recorder.record("running")
    progress.announce("describing frames")
    # What a search will choose is not known yet: its rows may need any frame that the others have finished with.
    described = describe_frames(workload, workload.stages.values() if workload.searches else missing)
    bank = bank_on(described, torch.device(workload.device))
    executor = make_executor(bank)
    scheduler = PackScheduler(catalog, executor, progress, failures, recorder.record_when_due)
    try:
        progress.start_clock()
        if workload.searches:
            chosen = run_searches(workload, folder, bank, catalog, scheduler, progress, on_note)
            before = len(workload.recipes)
            workload = with_tuned_rows(workload, chosen)
            catalog.request(spec for recipe in workload.recipes[before:] for chain in recipe.chains for spec in chain)
        recorder.start_table(workload, bank)  # not before the searches have chosen their settings
        scheduler.train(by_urgency(workload.rounds))
    except BaseException:
        with suppress(OSError):  # a full disk is what may have ended the run
            recorder.record("running")
        raise
    finally:
        executor.close()
    return recorder.record("complete")


def _say_what_was_found(
    catalog: StageCatalog, store: StageStore, on_note: Callable[[str], None], *, shared: bool, missing: int
) -> None:
    if shared:
        on_note(f"store {store.root}: {len(catalog.finished)} of {len(catalog.requested)} stages are there already")
    others = store.other_trainer_versions() if missing else ()
    if others:
        versions = ", ".join(map(str, others))
        on_note(
            f"the store has stages of trainer version {versions}, this is version {TRAINER_VERSION}: those are not "
            "used, what is needed of them is trained again"
        )
