"""Real tiny sweeps: complete, repeated, stopped and killed at many points, resumed to the same last bit."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter, namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from study.config import Sweep, parse_sweep, sweep_plain
from study.costs import PriceList
from study.executors import SerialExecutor
from study.results import read_manifest, read_results
from study.run import Plan, make_plan, run_plan
from study.store import StageStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    import pandas as pd

    from asteroid.frames import FrameBank
    from asteroid.stages import StageResult, TrainedModel
    from asteroid.training import OnValidation
    from study.engine import Progress
    from study.packs import Pack

SWEEP = """
name: tiny
data:
  accurate: {file: accurate.npz, level: ccsd_t/cc-pvdz, energy_unit: eV, length_unit: Angstrom, group_key: replica,
             price: 28s}
  cheap: {file: cheap.npz, level: gfn2-xtb, energy_unit: eV, length_unit: Angstrom, group_key: replica,
          price: 2 ms, sampling_price: 50 ms}
test: {groups: [3]}
strategies: [accurate_only, cheap_only, pretrain_finetune, asteroid]
budgets: [10, 15]
n_cheap: [40]
gamma_rel: [1, inf]
seeds: [0, 1]
model: {hidden: 8}
descriptors: {n_radial: 4, n_angular: 2, l_max: 1}
identify: {steps: 20, learning_rate: 0.01, validations: 2}
pretrain: {steps: 24, learning_rate: 0.01, validations: 2}
finetune:
  standard: {steps: 20, learning_rate: 0.002, validations: 2}
"""
#: Rounds: 4 identify; two packs (one per seed) of 2 weighted and 1 unweighted pretraining; 8 fine-tunings.
PACKS = [4, 3, 3, 8]
TIMINGS = {"recipe_core_s"}


@pytest.fixture(scope="module")
def label_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 accurate and 200 cheap frames of four replicas."""
    folder = tmp_path_factory.mktemp("labels")
    methanol = load_methanol()
    group = methanol.accurate.group
    assert group is not None
    rows = np.concatenate([np.flatnonzero(group == g)[:20] for g in range(4)])
    for name, labels in (
        ("accurate", methanol.accurate.select(rows)),
        ("cheap", methanol.cheap.select(np.arange(0, 20_000, 100))),
    ):
        arrays = {"R": labels.positions, "E": labels.energy, "F": labels.forces, "replica": labels.group}
        np.savez(folder / f"{name}.npz", z=labels.numbers, **arrays)
    (folder / "sweep.yaml").write_text(SWEEP)
    return folder


def sweep(folder: Path, *changes: tuple[str, str]) -> Sweep:
    text = SWEEP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_sweep(text, "sweep.yaml", folder)


@pytest.fixture(scope="module")
def plan(label_folder: Path) -> Plan:
    return make_plan(sweep(label_folder))


class Counting:
    """A serial executor that remembers what it was given and can stop before a pack."""

    slots = 1

    def __init__(self, stop_before: int | None = None) -> None:
        self.packs: list[Pack] = []
        self.closed = 0
        self._stop_before = stop_before
        self._inner: SerialExecutor | None = None

    def __call__(self, bank: FrameBank) -> Counting:
        self._inner = SerialExecutor(bank)
        return self

    @property
    def trained(self) -> Counter[str]:
        """How often each stage was trained, fillers of a pack counted once."""
        return Counter(key for pack in self.packs for key in {spec.key for spec in pack.specs})

    def submit(
        self, pack: Pack, parents: Mapping[str, TrainedModel], on_validation: OnValidation | None = None
    ) -> Future[list[StageResult]]:
        if len(self.packs) == self._stop_before:
            raise KeyboardInterrupt
        self.packs.append(pack)
        assert self._inner is not None
        return self._inner.submit(pack, parents, on_validation)

    def close(self) -> None:
        self.closed += 1


def quiet(_: Progress | str) -> None:
    pass


def run(plan: Plan, folder: Path, executor: Callable[[FrameBank], Any] | None = None) -> pd.DataFrame:
    return run_plan(plan, folder, executor or Counting(), quiet, quiet)


@pytest.fixture(scope="module")
def reference(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run; tests that change it work on a copy."""
    folder = tmp_path_factory.mktemp("reference") / "run"
    run(plan, folder)
    return folder


def copy_of(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def lines(folder: Path) -> list[dict[str, str]]:
    """The table as written, digit for digit, without what a clock has measured."""
    with (folder / "results.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in TIMINGS} for row in csv.DictReader(file)]


def stage_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of the store with its inode and time of writing."""
    files = (path for path in (folder / "store").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def test_the_table_is_complete_and_valid(plan: Plan, reference: Path) -> None:
    table = read_results(reference)
    rows = Counter(table["strategy"])
    assert rows == {"accurate_only": 4, "cheap_only": 2, "pretrain_finetune": 4, "asteroid": 4}
    assert (table["status"] == "ok").all()
    for name in ("test_force_mae_ev_ang", "test_force_rmse_ev_ang", "test_energy_mae_ev", "val_force_mae_ev_ang"):
        assert np.isfinite(table[name]).all(), name
        assert (table[name] > 0).all(), name
    assert (table["test_force_rmse_ev_ang"] >= table["test_force_mae_ev_ang"]).all()
    assert (table["n_train"] + table["n_val"] == table["budget"]).all()
    assert (table["cost_accurate_cpu_s"] == 28.0 * table["budget"]).all()
    assert np.allclose(table["cost_cheap_cpu_s"], 0.052 * table["n_cheap"], rtol=1e-14)
    assert (table["n_test"] == 20).all()
    keys = {key for row in table["stage_keys"] for key in row.split()}
    assert keys == plan.stages.keys() == {path.name for path in (reference / "store").iterdir()}
    assert len(keys) == sum(PACKS)


def test_the_manifest_says_everything_else(plan: Plan, reference: Path) -> None:
    text = (reference / "manifest.json").read_text()
    manifest = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert manifest == read_manifest(reference)
    assert manifest["status"] == "complete"
    assert manifest["sweep"] == sweep_plain(plan.sweep)
    assert (manifest["rows"], manifest["stages"]) == (14, 18)
    assert manifest["molecule"] == "CH4O"
    assert (manifest["level_accurate"], manifest["level_cheap"]) == ("ccsd_t/cc-pvdz", "gfn2-xtb")
    assert (manifest["n_test"], manifest["pool_size"]) == (20, 60)
    assert PriceList.from_json(manifest["prices"]) == plan.data.prices
    ledger = manifest["ledger"]
    # Budgets nest within a seed, so each seed buys 15 labels and 40 cheap frames; the two seeds may share some.
    assert 15 < ledger["accurate_labels_assumed_bought"] <= 30
    assert 40 < ledger["cheap_frames_assumed_bought"] <= 80
    assert ledger["accurate_cpu_s"] == 28.0 * ledger["accurate_labels_assumed_bought"]
    assert (ledger["evaluation_labels"], ledger["evaluation_cpu_s"]) == (20, 560.0)
    store = StageStore(reference / "store")
    spent = sum(store.load(key).core_s for key in plan.stages)
    assert ledger["sweep_core_s"] == pytest.approx(spent, rel=1e-12)
    for name in ("torch", "numpy", "python"):
        assert manifest["versions"][name]
    assert manifest["hardware"]["cores"] == os.cpu_count()


def test_a_run_leaves_no_temporary_files(reference: Path) -> None:
    assert sorted(p.name for p in reference.iterdir()) == [
        ".lock",
        "manifest.json",
        "results.csv",
        "results.parquet",
        "store",
        "sweep.yaml",
    ]


def test_run_again_trains_nothing(plan: Plan, reference: Path, tmp_path: Path) -> None:
    folder = copy_of(reference, tmp_path)
    before, table = stage_files(folder), (folder / "results.csv").read_bytes()
    again = Counting()
    run(plan, folder, again)
    assert again.packs == []
    assert again.closed == 1
    assert stage_files(folder) == before
    assert (folder / "results.csv").read_bytes() == table


def test_two_packs_at_once_give_the_same_table(plan: Plan, reference: Path, tmp_path: Path) -> None:
    class TwoAtOnce(Counting):
        """Trains two packs at the same time."""

        slots = 2

        def submit(
            self, pack: Pack, parents: Mapping[str, TrainedModel], on_validation: OnValidation | None = None
        ) -> Future[list[StageResult]]:
            return threads.submit(lambda: super(TwoAtOnce, self).submit(pack, parents, on_validation).result())

    with ThreadPoolExecutor(2) as threads:
        run(plan, tmp_path / "run", TwoAtOnce())
    assert lines(tmp_path / "run") == lines(reference)


@pytest.mark.parametrize("stop_before", [0, 2, 3])
def test_stopped_before_a_pack_and_resumed(plan: Plan, reference: Path, tmp_path: Path, stop_before: int) -> None:
    stopped = Counting(stop_before)
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path, stopped)
    assert stopped.closed == 1
    assert read_manifest(tmp_path)["status"] == "running"
    kept = stage_files(tmp_path)
    assert len(kept) == 2 * sum(PACKS[:stop_before])
    if stop_before:
        partial = read_results(tmp_path)  # rows appear as soon as their round is finished
        assert len(partial) == {2: 4, 3: 6}[stop_before]
    resumed = Counting()
    run(plan, tmp_path, resumed)
    assert stopped.trained + resumed.trained == Counter(plan.stages.keys()), "each stage once"
    assert kept.items() <= stage_files(tmp_path).items()
    assert lines(tmp_path) == lines(reference)
    assert read_manifest(tmp_path)["status"] == "complete"


DRIVER = '''
"""Runs the sweep once for each point, in a forked copy that is killed there."""

import os, signal, sys
from pathlib import Path

import study.results, study.run, study.store
from study.config import read_sweep
from study.executors import SerialExecutor


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(SerialExecutor):
    """Dies before a pack, or in the middle of training it."""

    slots = 1
    place, before, within = 0, None, None

    def submit(self, pack, parents, on_validation=None):
        number, Dying.place = Dying.place, Dying.place + 1
        if number == Dying.before:
            die()

        def on_step(step, errors):
            if number == Dying.within and step > 10:
                die()
            on_validation(step, errors)

        return super().submit(pack, parents, on_step)


def after(function, number):
    """The function, deadly after some calls."""
    calls = []

    def counted(*given, **named):
        answer = function(*given, **named)
        calls.append(1)
        if len(calls) == number:
            die()
        return answer

    return counted


def prepare(what, number):
    if what == "before":
        Dying.before = number
    elif what == "within":
        Dying.within = number
    elif what == "saves":
        study.store.StageStore.save = after(study.store.StageStore.save, number)
    elif what == "weights":
        study.store._digest = after(study.store._digest, number)
    elif what == "table":
        study.run.make_rows = after(study.run.make_rows, number)


sweep = read_sweep(Path(sys.argv[1]))
plan = study.run.make_plan(sweep)
for point in sys.argv[3:]:
    child = os.fork()
    if not child:
        what, number = point.split("-")
        prepare(what, int(number))
        study.run.run_plan(plan, Path(sys.argv[2]) / point, Dying, lambda progress: None, print)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(point, f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}")
'''

#: Where a run is killed -> stages finished by then.
KILLS = {
    "saves-3": 3,  # between the saves of the first pack's members
    "within-2": 7,
    "saves-6": 6,  # between a weighted and an unweighted pretraining
    "weights-12": 11,  # the weights are written, the record is not, and nothing is renamed
    "saves-17": 17,  # all but one
    "table-3": 18,  # all stages, but not the last table
}


@pytest.fixture(scope="module")
def killed(label_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of runs that were killed by SIGKILL, and one that was not, all in another process."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "driver.py").write_text(DRIVER)
    done = subprocess.run(
        [sys.executable, folder / "driver.py", label_folder / "sweep.yaml", folder, *KILLS, "never-1"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "4242"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [*(f"{point} signal 9" for point in KILLS), "never-1 exit 0"]
    return folder


def test_another_process_gives_the_same_table(killed: Path, reference: Path) -> None:
    assert lines(killed / "never-1") == lines(reference)


@pytest.mark.parametrize("point", KILLS)
def test_killed_and_resumed(plan: Plan, reference: Path, killed: Path, tmp_path: Path, point: str) -> None:
    folder = Path(shutil.copytree(killed / point, tmp_path / "run"))
    finished = {path.name for path in (folder / "store").glob("*") if not path.name.startswith(".")}
    assert len(finished) == KILLS[point]
    kept = {name: stamp for name, stamp in stage_files(folder).items() if name.split("/")[1] in finished}
    resumed = Counting()
    run(plan, folder, resumed)
    assert resumed.trained == Counter(plan.stages.keys() - finished), "what was finished is not trained twice"
    assert kept.items() <= stage_files(folder).items()
    assert lines(folder) == lines(reference)
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in reference.iterdir())
    assert {p.name for p in (folder / "store").iterdir()} == plan.stages.keys(), "no leftovers"
    assert read_manifest(folder)["status"] == "complete"


@pytest.mark.parametrize("tear", ["no weights", "half a record", "no record"])
def test_torn_stages_are_trained_again_to_the_same_bits(plan: Plan, reference: Path, tmp_path: Path, tear: str) -> None:
    folder = copy_of(reference, tmp_path)
    by_kind = {spec.kind: key for key, spec in plan.stages.items()}  # the last of each kind
    for key in by_kind.values():
        stage = folder / "store" / key
        if tear == "no weights":
            (stage / "weights.safetensors").unlink()
        elif tear == "half a record":
            (stage / "stage.json").write_text((stage / "stage.json").read_text()[:100])
        else:
            (stage / "stage.json").unlink()
    repaired = Counting()
    run(plan, folder, repaired)
    assert repaired.trained == Counter(by_kind.values())
    assert lines(folder) == lines(reference)
    for key in by_kind.values():
        name = Path("store", key, "weights.safetensors")
        assert (folder / name).read_bytes() == (reference / name).read_bytes()


def refusal(plan: Plan, folder: Path) -> str:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} if folder.exists() else {}
    nothing = Counting()
    with pytest.raises(InputError) as caught:
        run(plan, folder, nothing)
    assert nothing.packs == []
    assert ({p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} if folder.exists() else {}) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_another_sweep_in_the_same_folder(plan: Plan, reference: Path, tmp_path: Path) -> None:
    folder = copy_of(reference, tmp_path)
    other = replace(plan, sweep=plan.sweep.model_copy(update={"budgets": (10, 20), "seeds": (4,)}))
    message = refusal(other, folder)
    assert "made by another sweep (budgets: it has [10, 15], the new sweep [10, 20])" in message
    run(plan, folder)


def test_a_folder_with_somebody_elses_files(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert "found other files" in refusal(plan, tmp_path)


def test_a_folder_in_use(plan: Plan, reference: Path, tmp_path: Path) -> None:
    folder = copy_of(reference, tmp_path)
    hold = "import fcntl, time; f = open(0); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(60)"
    with (
        (folder / ".lock").open() as lock,
        subprocess.Popen([sys.executable, "-c", hold], stdin=lock, stdout=subprocess.PIPE) as holder,
    ):
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            assert "is in use by process" in refusal(plan, folder)
        finally:
            holder.kill()
    run(plan, folder)


def test_too_little_room_on_the_disk(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40 - 2**20, 2**20))
    folder = tmp_path / "deep" / "run"
    message = refusal(plan, folder)
    assert "MiB on disk" in message
    assert "has 1 MiB free" in message
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_the_expected_room_is_enough_and_not_absurd(plan: Plan, reference: Path) -> None:
    from study.run import _expected_bytes

    written = sum(p.stat().st_size for p in reference.rglob("*") if p.is_file())
    assert written < _expected_bytes(plan) < written + 50 * 2**20


def test_a_schedule_that_diverges_fails_its_own_rows_only(label_folder: Path, reference: Path, tmp_path: Path) -> None:
    wild = "  standard: {steps: 20, learning_rate: 0.002, validations: 2}\n  wild: {steps: 20, learning_rate: 1.0e+30, "
    changed = make_plan(
        sweep(label_folder, ("  standard: {steps: 20, learning_rate: 0.002, ", wild.replace("2}\n", "2}\n", 1)))
    )
    run(changed, tmp_path)
    table = read_results(tmp_path)
    failed = table[table["schedule"] == "wild"]
    assert len(failed) == 8
    assert failed["status"].str.fullmatch(r"loss not finite at step \d+").all()
    assert failed["test_force_mae_ev_ang"].isna().all()
    assert np.isinf(failed["val_force_mae_ev_ang"]).all()
    assert (failed["budget"] == failed["n_train"] + failed["n_val"]).all()
    assert (failed["recipe_core_s"] > 0).all(), "what failed was paid for"
    others = table[table["schedule"] != "wild"]
    assert (others["status"] == "ok").all()
    assert np.isfinite(others["test_force_mae_ev_ang"]).all()
    before = (tmp_path / "results.csv").read_bytes()
    again = Counting()
    run(changed, tmp_path, again)
    assert again.packs == [], "a failure is a result"
    assert (tmp_path / "results.csv").read_bytes() == before


def test_children_of_a_failed_stage_are_not_trained(plan: Plan, reference: Path, tmp_path: Path) -> None:
    bad = next(spec.key for spec in plan.stages.values() if spec.kind == "identify")
    children = {spec.key for spec in plan.stages.values() if bad in spec.parents}
    lost = children | {spec.key for spec in plan.stages.values() if children & set(spec.parents)}
    assert len(lost) == 2

    class Spoiling(Counting):
        """Says that one stage failed."""

        def submit(
            self, pack: Pack, parents: Mapping[str, TrainedModel], on_validation: OnValidation | None = None
        ) -> Future[list[StageResult]]:
            future = super().submit(pack, parents, on_validation)
            spoilt = [replace(r, status="planted failure") if r.key == bad else r for r in future.result()]
            done: Future[list[StageResult]] = type(future)()
            done.set_result(spoilt)
            return done

    spoiling = Spoiling()
    run(plan, tmp_path, spoiling)
    assert spoiling.trained == Counter(plan.stages.keys() - lost)
    table = read_results(tmp_path)
    failed = table[table["status"] != "ok"]
    assert sorted(failed["strategy"]) == ["accurate_only", "asteroid"]
    assert (failed["status"] == "planted failure").all()
    columns = ["test_force_mae_ev_ang", "gamma_ev_ang", "effective_sample", "bias_median_ev_ang"]
    assert failed[columns].isna().all(axis=None)
    keys = [tuple(row[k] for k in ("strategy", "gamma_rel", "budget", "seed")) for row in lines(tmp_path)]
    good = [row for row, status in zip(lines(tmp_path), table["status"], strict=True) if status == "ok"]
    whole = {tuple(row[k] for k in ("strategy", "gamma_rel", "budget", "seed")): row for row in lines(reference)}
    assert len(set(keys)) == 14
    for row in good:
        assert row == whole[tuple(row[k] for k in ("strategy", "gamma_rel", "budget", "seed"))], "to the last digit"
    again = Counting()
    run(plan, tmp_path, again)
    assert again.packs == []
    assert read_manifest(tmp_path)["status"] == "complete"


def test_a_bug_in_a_pack_ends_the_run_and_keeps_what_is_finished(plan: Plan, reference: Path, tmp_path: Path) -> None:
    class Broken(Counting):
        """Cannot train the third pack."""

        def submit(
            self, pack: Pack, parents: Mapping[str, TrainedModel], on_validation: OnValidation | None = None
        ) -> Future[list[StageResult]]:
            return super().submit(pack, {} if len(self.packs) == 2 else parents, on_validation)

    broken = Broken()
    with pytest.raises(KeyError):
        run(plan, tmp_path, broken)
    assert broken.closed == 1
    assert read_manifest(tmp_path)["status"] == "running"
    resumed = Counting()
    run(plan, tmp_path, resumed)
    assert len(resumed.packs) == 2
    assert lines(tmp_path) == lines(reference)


def test_progress_counts_stages_and_steps(plan: Plan, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, tmp_path, Counting(1), seen.append, quiet)
    first_half = len(seen)
    run_plan(plan, tmp_path, Counting(), seen.append, quiet)
    total = 4 * 20 + 6 * 24 + 8 * 20
    assert {p.stages_total for p in seen} == {18}
    assert [p.stages_done for p in seen] == sorted(p.stages_done for p in seen)
    assert (seen[0].stages_done, seen[first_half].stages_done, seen[-1].stages_done) == (0, 4, 18)
    assert (seen[0].stages_kept, seen[-1].stages_kept) == (0, 4)
    assert seen[0].steps_total == total
    assert (seen[-1].steps_done, seen[-1].steps_total) == (total - 80, total - 80)
    steps = [p.steps_done for p in seen[first_half:]]
    assert steps == sorted(steps)
    assert seen[0].left_s is None
    assert seen[-1].left_s == 0.0
    assert seen[-1].done_by_kind == {"identify": (4, 4), "pretrain": (6, 6), "finetune": (8, 8)}
    assert all(math.isfinite(error) and error > 0 for error in seen[-1].best_val_ev_ang.values())
