"""Run a sweep: missing stages in packs, every finished one kept, rows as soon as their stages exist."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.descriptors import make_layout
from asteroid.frames import BankEntry, FrameBank, build_bank, refuse_too_large
from asteroid.labels import content_hashes
from asteroid.models import make_network
from asteroid.training import TRAINER_VERSION
from study.chains import ChainBuilder
from study.data import StudyData, load_data
from study.engine import StageEngine
from study.folder import OWN_STORE, check_folder, check_room, claimed, read_record, store_of, write_json
from study.manifest import make_manifest
from study.molecule_errors import MOLECULES_FILE, molecules_frame, write_molecules
from study.packs import Pack, by_urgency, plan_rounds
from study.recipe import Recipe, make_recipes, make_tuned_recipes
from study.results import results_frame, write_results
from study.rows import make_rows
from study.search import Search, search_frames, searches_of
from study.storage import open_journal
from study.store import StageStore
from study.trial_book import TrialBook
from study.trials import write_importances, write_trials
from study.tuning import SearchRunner
from study.use import UseMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pandas as pd

    from asteroid.descriptors import Layout
    from asteroid.labels import LabelSet
    from asteroid.stages import StageSpec
    from study.config import Sweep
    from study.executors import Executor
    from study.progress import Progress


#: Room for tables, manifest and figures.
_TABLES_BYTES = 8 * 2**20
#: Failures that the manifest keeps, the last ones.
_FAILURES_KEPT = 20
#: How often manifest and table follow the stages that are finished, s, and how little of the time that may take.
_RECORD_EVERY_S, _RECORD_SHARE = 30.0, 0.02
#: A half-written stage in a shared store is left alone for so long, as its writer may live; writing takes milliseconds.
_LEFTOVER_S = 3600.0


@dataclass(frozen=True, eq=False)
class Plan:
    """A sweep ready to run: labels with roles, the rows to fill, and the searches to make first."""

    sweep: Sweep
    data: StudyData
    builder: ChainBuilder
    recipes: list[Recipe]
    searches: list[Search]

    @property
    def rounds(self) -> list[list[Pack]]:
        """The stages of all rows in rounds of packs."""
        return plan_rounds([recipe.stages for recipe in self.recipes], self.sweep.pack_size)

    @property
    def requests(self) -> list[StageSpec]:
        """The stages of all rows, each as often as a row asks for it."""
        return [spec for recipe in self.recipes for spec in recipe.stages]

    @property
    def stages(self) -> dict[str, StageSpec]:
        """All distinct stages of the rows by key."""
        return {spec.key: spec for spec in self.requests}


def make_plan(sweep: Sweep) -> Plan:
    """Load the labels of a sweep and lay out its work; nothing is written.

    Raises:
        InputError: the labels do not pass a guard or do not suffice.
    """
    data = load_data(sweep)
    builder = ChainBuilder(data)
    searches = searches_of(sweep)
    for search in searches:
        search.check(builder)
    return Plan(sweep, data, builder, make_recipes(sweep, builder) if sweep.mode == "curve" else [], searches)


def run_plan(
    plan: Plan,
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
        plan: from `make_plan`.
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
    check_folder(folder, plan.sweep, extend=extend)
    refuse_too_many_frames(plan, plan.stages.values())
    check_room(store_of(folder, store), expected_bytes(plan))
    check_room(folder, _TABLES_BYTES)
    # Two threads on small products cost more than they save, and results must not depend on the number of cores.
    torch.set_num_threads(1)
    with claimed(folder, plan.sweep, extend=extend):
        return _run(plan, folder, store_of(folder, store), make_executor, on_progress, on_note)


def _run(
    plan: Plan,
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
        manifest = make_manifest(plan, status, engine.known, engine.sharing, place)
        failures = [*earlier, *map(asdict, engine.failures)]
        write_json(folder / "manifest.json", manifest | {"failures": failures[-_FAILURES_KEPT:]})
        table = results_frame([])
        if rows_from is not None:
            rows, molecule_rows = make_rows(plan, rows_from[0], engine.results, rows_from[1])
            table = results_frame(rows)
            write_results(table, folder)
            if plan.data.test.varied:
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
    missing = engine.recall(plan.requests)
    _say_what_was_found(engine, store, on_note, shared=shared, missing=len(missing))
    record("running")
    engine.announce("describing frames")
    # What a search will choose is not known yet: its rows may need any frame that the others have finished with.
    bank = describe_frames(plan, plan.stages.values() if plan.searches else missing)
    meter = UseMeter(plan.data, bank.layout)
    executor = make_executor(bank)
    try:
        engine.start_clock()
        if plan.searches:
            before = len(plan.recipes)
            plan = _search(plan, folder, bank, engine, executor, on_note)
            engine.recall(spec for recipe in plan.recipes[before:] for spec in recipe.stages)
        known_rows = (bank, meter)
        engine.train(by_urgency(plan.rounds), executor)
    except BaseException:
        with suppress(OSError):  # a full disk is what may have ended the run
            record("running", known_rows)
        raise
    finally:
        executor.close()
    return record("complete", known_rows if plan.recipes else None)


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
    plan: Plan,
    folder: Path,
    bank: FrameBank,
    engine: StageEngine,
    executor: Executor,
    on_note: Callable[[str], None],
) -> Plan:
    """Make the searches of a sweep, write their tables, and add rows with the chosen settings in mode `curve`."""
    journal = open_journal(folder, on_note)
    book = TrialBook(plan.searches, plan.builder, plan.data.prices, journal, bank, engine)
    runner = SearchRunner(book, plan.sweep.pack_size)
    searched = {search.strategy for search in plan.searches}
    for strategy in plan.sweep.strategies:
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
    if plan.sweep.mode != "curve":
        return plan
    return replace(plan, recipes=[*plan.recipes, *make_tuned_recipes(plan.sweep, plan.builder, chosen)])


def needed_frames(plan: Plan, stages: Iterable[StageSpec]) -> dict[str, set[str]]:
    """Content hashes by level: the test frames, the frames of the given stages and those of the searches."""
    data = plan.data
    needed: dict[str, set[str]] = {data.accurate.level: set(content_hashes(data.test)), data.cheap_pool.level: set()}
    for frames in [f for spec in stages for f in (spec.train, spec.val)] + search_frames(plan.searches, plan.builder):
        needed[frames.level].update(frames.hashes)
    return needed


def refuse_too_many_frames(plan: Plan, stages: Iterable[StageSpec]) -> None:
    """Refuse what the free memory cannot hold.

    Raises:
        InputError: the frames that are needed are too many.
    """
    widest = max((plan.data.accurate, plan.data.cheap_pool), key=lambda labels: labels.positions.shape[1])
    n_frames = sum(map(len, needed_frames(plan, stages).values()))
    refuse_too_large(widest, layout_of(plan), n_frames=n_frames)


def describe_frames(plan: Plan, stages: Iterable[StageSpec]) -> FrameBank:
    """Describe all needed frames, each once."""
    needed = needed_frames(plan, stages)
    data, score_match = plan.data, plan.sweep.score_match
    matches_scores = score_match is not None and "asteroid_unlabelled" in plan.sweep.strategies
    entries = [
        _entry(data.accurate, needed, data.cheap_at_accurate),
        _entry(data.cheap_pool, needed, n_probes=score_match.probes if score_match and matches_scores else 0),
    ]
    return build_bank(data.descriptors, entries)


def _entry(
    labels: LabelSet, needed: dict[str, set[str]], cheap: LabelSet | None = None, n_probes: int = 0
) -> BankEntry:
    hashes = content_hashes(labels)
    rows = np.array([row for row, h in enumerate(hashes) if h in needed[labels.level]], dtype=np.int64)
    chosen = None if cheap is None else cheap.select(rows)
    return BankEntry(labels.select(rows), [hashes[row] for row in rows], chosen, n_probes)


def layout_of(plan: Plan) -> Layout | None:
    """The descriptors of the molecule, where the study needs any."""
    data = plan.data
    return None if data.descriptors is None else make_layout(data.accurate.numbers, data.descriptors)


def expected_bytes(plan: Plan) -> int:
    """Disk that a run takes: weights, stage records, tables and figures, with a margin."""
    layout = layout_of(plan)
    inputs = 0 if layout is None else layout.width
    per_stage = 4 * (make_network(plan.sweep.model.settings(), layout).parameter_count() + 2 * inputs) + 8192
    n_stages = len(plan.stages) + sum(search.most_stages for search in plan.searches)
    return int(1.5 * per_stage * n_stages) + _TABLES_BYTES
