"""Runs the searches of a sweep, in rounds or asynchronously, and writes what they have found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.search.asynchronous import run_async
from study.search.journal import open_journal
from study.search.outcome import chosen_settings, importances_table, trials_table
from study.search.rounds import run_rounds
from study.search.trial_tracker import TrialTracker
from study.tables.trials import write_importances, write_trials

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from study.engine.catalog import StageCatalog
    from study.engine.progress import ProgressCounter
    from study.engine.scheduler import PackScheduler
    from study.recipes.recipes import TunedSettings
    from study.recipes.workload import Workload


def run_searches(
    workload: Workload,
    folder: Path,
    bank: FrameBank,
    catalog: StageCatalog,
    scheduler: PackScheduler,
    progress: ProgressCounter,
    on_note: Callable[[str], None],
) -> list[TunedSettings]:
    """Run every study of a sweep up to its number of trials, and write journal and tables.

    Args:
        workload: the sweep; it has searches.
        folder: the run folder.
        bank: the described frames.
        catalog: the stages.
        scheduler: trains them.
        progress: told how many trials are told.
        on_note: called with a line about what was left out, has failed or was chosen.

    Returns:
        the chosen settings of the studies that chose any.
    """
    searches, sweep = workload.searches, workload.sweep
    journal = open_journal(folder, on_note)
    tracker = TrialTracker(searches, workload.builder, workload.data.prices, journal, bank, catalog, progress)
    searched = {search.strategy for search in searches}
    for strategy in sweep.strategies:
        if strategy not in searched:
            on_note(f"{strategy} has nothing to search: left out of the trials")
    try:
        tracker.count()
        if searches[0].section.schedule == "async":
            run_async(tracker, catalog, scheduler, sweep.pack_size)
        else:
            run_rounds(tracker, scheduler, sweep.pack_size)
    finally:
        trials = trials_table(tracker)
        write_trials(trials, folder)
    for name, states in trials.groupby("study", sort=False)["state"]:
        if "COMPLETE" not in set(states):
            on_note(f"all {len(states)} trials of {name!r} failed, so it chose nothing: try lower learning rates")
    importances = importances_table(tracker)
    if len(importances):
        write_importances(importances, folder)
    chosen = chosen_settings(tracker)
    for tuned in chosen:
        on_note(tuned.sentence())
    return chosen
