"""Runs that share a store of finished stages: one after the other, both at once, torn, and refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tiny_sweep import Counting, copy_of, lines, quiet, sweep_of

from asteroid.errors import InputError
from study.engine.sharing import Sharing, SharingLedger
from study.engine.store import StageStore
from study.recipes.workload import Workload, make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest
from study.tables.results import read_results

if TYPE_CHECKING:
    from pathlib import Path


def sharing(folder: Path) -> Sharing:
    return Sharing(**read_manifest(folder)["sharing"])


def shared(
    workload: Workload, folder: Path, store: Path, executor: Counting | None = None
) -> tuple[Counting, list[str]]:
    executor, notes = executor or Counting(), []
    run_workload(workload, folder, executor, quiet, notes.append, store=store)
    return executor, notes


@pytest.fixture(scope="module")
def first(tiny_workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run `a` and the store `stages` that it wrote to."""
    folder = tmp_path_factory.mktemp("sharing")
    shared(tiny_workload, folder / "a", folder / "stages")
    return folder


def test_counts_by_hand() -> None:
    requests, core_s = {"a": 3, "b": 1, "c": 2, "late": 5}, {"a": 2.0, "b": 10.0, "c": 0.5}
    counted = SharingLedger(Counter(requests), {"c"}).count(core_s)
    assert counted == Sharing(
        stages_requested=11,
        stages_distinct=4,
        stages_trained=2,
        stages_found=1,
        trained_core_s=12.0,
        core_s_saved=2 * 2.0 + 2 * 0.5,  # two of the three requests for a, both for c, which another run trained
    )


def test_a_run_with_a_store_equals_one_without(tiny_workload: Workload, tiny_run: Path, first: Path) -> None:
    assert lines(first / "a") == lines(tiny_run)
    assert not (first / "a" / "store").exists()
    assert {p.name for p in (first / "stages").iterdir()} == tiny_workload.stages.keys()
    assert read_manifest(first / "a")["store"] == str((first / "stages").resolve())
    assert read_manifest(tiny_run)["store"] == "store"


def test_saved_core_seconds_are_those_of_repeated_requests(tiny_workload: Workload, tiny_run: Path) -> None:
    found = sharing(tiny_run)
    assert (found.stages_requested, found.stages_distinct) == (len(tiny_workload.requests), 18)
    assert (found.stages_trained, found.stages_found) == (18, 0)
    # What the rows would have cost each for itself, less what was spent.
    alone = read_results(tiny_run)["recipe_core_s"].sum()
    assert found.trained_core_s + found.core_s_saved == pytest.approx(alone, rel=1e-12)
    assert found.core_s_saved > 0
    assert read_manifest(tiny_run)["ledger"]["sweep_core_s"] == found.trained_core_s


def test_a_second_run_finds_everything(tiny_workload: Workload, tiny_run: Path, first: Path) -> None:
    executor, notes = shared(tiny_workload, first / "b", first / "stages")
    assert executor.packs == []
    assert notes == [f"store {first / 'stages'}: 18 of 18 stages are there already"]
    assert lines(first / "b") == lines(tiny_run)
    found = sharing(first / "b")
    assert (found.stages_trained, found.stages_found, found.trained_core_s) == (0, 18, 0.0)
    assert found.core_s_saved == pytest.approx(read_results(first / "b")["recipe_core_s"].sum(), rel=1e-12)
    assert read_manifest(first / "b")["run_id"] != read_manifest(first / "a")["run_id"]


def test_another_sweep_trains_only_what_is_new_to_the_store(
    tiny_labels: Path, tiny_workload: Workload, tmp_path: Path
) -> None:
    less = make_workload(sweep_of(tiny_labels, ("budgets: [10, 15]", "budgets: [10]")))
    shared(less, tmp_path / "less", tmp_path / "stages")
    executor, _ = shared(tiny_workload, tmp_path / "all", tmp_path / "stages")
    assert executor.trained == Counter(tiny_workload.stages.keys() - less.stages.keys())
    assert len(less.stages) < 18
    assert sharing(tmp_path / "all").stages_found == len(less.stages)


def test_a_stopped_run_still_counts_its_own_stages_as_trained(tiny_workload: Workload, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        shared(tiny_workload, tmp_path / "a", tmp_path / "stages", Counting(2))
    shared(tiny_workload, tmp_path / "a", tmp_path / "stages")
    assert (sharing(tmp_path / "a").stages_trained, sharing(tmp_path / "a").stages_found) == (18, 0)


def test_two_drivers_at_once(tiny_workload: Workload, tiny_labels: Path, tiny_run: Path, tmp_path: Path) -> None:
    def start(name: str) -> subprocess.Popen[str]:
        words = ["run", str(tiny_labels / "sweep.yaml"), "--out", str(tmp_path / name), "--store", str(tmp_path / "st")]
        return subprocess.Popen(
            [sys.executable, "-m", "sweeps", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    drivers = [start("a"), start("b")]
    for driver in drivers:
        said, _ = driver.communicate(timeout=120)
        assert driver.returncode == 0, said
    store = StageStore(tmp_path / "st")
    assert {p.name for p in store.root.iterdir()} == tiny_workload.stages.keys(), "no leftovers, nothing missing"
    for key in tiny_workload.stages:
        assert store.load(key).key == key
    for name in ("a", "b"):
        assert lines(tmp_path / name) == lines(tiny_run)
        counted = sharing(tmp_path / name)
        assert counted.stages_trained + counted.stages_found == 18


def test_what_another_driver_finishes_meanwhile_is_taken_over(
    tiny_workload: Workload, tiny_run: Path, first: Path, tmp_path: Path
) -> None:
    class Overtaken(Counting):
        """Another driver finishes everything while the first pack is in training."""

        def submit(self, *given: object) -> object:
            future = super().submit(*given)  # type: ignore[arg-type]
            shared(tiny_workload, tmp_path / "other", tmp_path / "stages")
            return future

    executor, _ = shared(tiny_workload, tmp_path / "a", tmp_path / "stages", Overtaken())
    assert len(executor.packs) == 1
    assert lines(tmp_path / "a") == lines(tiny_run)


def refusal(workload: Workload, folder: Path, store: Path | None) -> str:
    everything = {p: p.read_bytes() for p in folder.parent.rglob("*") if p.is_file()}
    with pytest.raises(InputError) as caught:
        run_workload(workload, folder, Counting(), quiet, quiet, store=store)
    assert {p: p.read_bytes() for p in folder.parent.rglob("*") if p.is_file()} == everything
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_resumes_with_its_own_store_only(
    tiny_workload: Workload, tiny_run: Path, first: Path, tmp_path: Path
) -> None:
    folder = copy_of(first / "a", tmp_path)
    place = (first / "stages").resolve()
    for other in (None, tmp_path / "elsewhere"):
        message = refusal(tiny_workload, folder, other)
        assert f"keeps its finished stages in {place}" in message
        assert message.endswith(f"add --store {place}")
    (tmp_path / "link").symlink_to(place)
    shared(tiny_workload, folder, tmp_path / "link")
    (tmp_path / "own").mkdir()
    own = copy_of(tiny_run, tmp_path / "own")
    assert "leave --store out" in refusal(tiny_workload, own, first / "stages")
    shared(tiny_workload, own, own / "store")


@pytest.mark.parametrize("what", ["a file", "somebody's folder", "a run", "the run folder"])
def test_what_is_no_store_is_refused(tiny_workload: Workload, tiny_run: Path, tmp_path: Path, what: str) -> None:
    place = tmp_path / "st"
    if what == "a file":
        place.write_text("mine")
    elif what == "somebody's folder":
        place.mkdir()
        (place / "thesis.tex").write_text("mine")
    elif what == "a run":
        place = copy_of(tiny_run, tmp_path)
    else:
        place = tmp_path / "run"
    message = refusal(tiny_workload, tmp_path / "run", place)
    assert message.startswith("--store must be")
    assert not (tmp_path / "run").exists()


def test_a_torn_stage_is_trained_again_and_one_line_says_so(
    tiny_workload: Workload, tiny_run: Path, first: Path, tmp_path: Path
) -> None:
    store = copy_of(first / "stages", tmp_path)
    torn = sorted(tiny_workload.stages)[:2]
    (store / torn[0] / "weights.safetensors").unlink()
    (store / torn[1] / "stage.json").write_text("{")
    executor, notes = shared(tiny_workload, tmp_path / "b", store)
    assert executor.trained == Counter(torn)
    assert [note for note in notes if "damaged" in note] == [
        "2 finished stages were damaged in the store: they are trained again"
    ]
    assert lines(tmp_path / "b") == lines(tiny_run)
    assert {p.name for p in store.iterdir()} == tiny_workload.stages.keys()


def test_stages_of_another_trainer_version_are_named_and_not_used(
    tiny_workload: Workload, first: Path, tmp_path: Path
) -> None:
    store = copy_of(first / "stages", tmp_path)
    old, new = sorted(tiny_workload.stages)[0], "0" * 32  # as if an older trainer had given it another key
    record = json.loads((store / old / "stage.json").read_text())
    record["spec"]["trainer_version"] -= 1
    (store / old / "stage.json").write_text(json.dumps(record | {"key": new}))
    (store / old).rename(store / new)
    version = record["spec"]["trainer_version"]
    executor, notes = shared(tiny_workload, tmp_path / "b", store)
    assert executor.trained == Counter([old])
    assert sum(f"stages of trainer version {version}, this is version {version + 1}" in note for note in notes) == 1
    _, notes = shared(tiny_workload, tmp_path / "c", store)
    assert len(notes) == 1, "where nothing is missing, nothing is said"


def test_a_writer_that_lives_keeps_its_temporary_files(tiny_workload: Workload, first: Path, tmp_path: Path) -> None:
    store = copy_of(first / "stages", tmp_path)
    (store / ".abc.1234.tmp").mkdir()
    (store / ".old.1234.tmp").mkdir()
    os.utime(store / ".old.1234.tmp", (1e9, 1e9))
    shared(replace(tiny_workload), tmp_path / "b", store)
    assert [p.name for p in store.glob(".*")] == [".abc.1234.tmp"]
