"""What ends a run before it begins, and what fails in its middle."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections import Counter, namedtuple
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_sweep import PACKS, Counting, copy_of, lines, quiet, run, sweep_of

import study.run.recorder
from asteroid.errors import InputError
from study.engine.executors import PackFailedError
from study.files import write_record
from study.recipes.workload import Workload, make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest
from study.tables.results import read_results

if TYPE_CHECKING:
    from asteroid.stages.stage import StageResult
    from study.engine.executors import PackJob


def refusal(tiny_workload: Workload, folder: Path) -> str:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} if folder.exists() else {}
    nothing = Counting()
    with pytest.raises(InputError) as caught:
        run(tiny_workload, folder, nothing)
    assert nothing.packs == []
    assert ({p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} if folder.exists() else {}) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_another_sweep_in_the_same_folder(tiny_workload: Workload, tiny_run: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_run, tmp_path)
    other = replace(tiny_workload, sweep=tiny_workload.sweep.model_copy(update={"budgets": (10, 20), "seeds": (4,)}))
    message = refusal(other, folder)
    assert "made by another sweep (budgets: it has [10, 15], the new sweep [10, 20])" in message
    run(tiny_workload, folder)


def test_a_folder_with_somebody_elses_files(tiny_workload: Workload, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert "found other files" in refusal(tiny_workload, tmp_path)


def test_a_folder_in_use(tiny_workload: Workload, tiny_run: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_run, tmp_path)
    hold = "import fcntl, time; f = open(0); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(60)"
    with (
        (folder / ".lock").open() as lock,
        subprocess.Popen([sys.executable, "-c", hold], stdin=lock, stdout=subprocess.PIPE) as holder,
    ):
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            assert "is in use by process" in refusal(tiny_workload, folder)
        finally:
            holder.kill()
    run(tiny_workload, folder)


def test_too_little_disk_space(tiny_workload: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40 - 2**20, 2**20))
    folder = tmp_path / "deep" / "run"
    message = refusal(tiny_workload, folder)
    assert "MiB on disk" in message
    assert "has 1 MiB free" in message
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_the_expected_disk_space_is_enough_and_not_absurd(tiny_workload: Workload, tiny_run: Path) -> None:
    from study.recipes.frames import expected_bytes

    written = sum(p.stat().st_size for p in tiny_run.rglob("*") if p.is_file())
    assert written < expected_bytes(tiny_workload) < written + 50 * 2**20


def test_a_schedule_that_diverges_fails_its_own_rows_only(tiny_labels: Path, tiny_run: Path, tmp_path: Path) -> None:
    wild = "  standard: {steps: 20, learning_rate: 0.002, validations: 2}\n  wild: {steps: 20, learning_rate: 100, "
    sweep = sweep_of(tiny_labels, ("  standard: {steps: 20, learning_rate: 0.002, ", wild))
    # A sweep file may not ask for a rate that is sure to diverge.
    diverging = sweep.finetune["wild"].model_copy(update={"learning_rate": 1e30})
    changed = make_workload(sweep.model_copy(update={"finetune": sweep.finetune | {"wild": diverging}}))
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
    before = lines(tmp_path, ("use_cpu_s_per_frame",))
    again = Counting()
    run(changed, tmp_path, again)
    assert again.packs == [], "a failure is a result"
    assert lines(tmp_path, ("use_cpu_s_per_frame",)) == before


def test_children_of_a_failed_stage_are_not_trained(tiny_workload: Workload, tiny_run: Path, tmp_path: Path) -> None:
    bad = next(spec.key for spec in tiny_workload.stages.values() if spec.kind == "identify")
    children = {spec.key for spec in tiny_workload.stages.values() if bad in spec.parents}
    lost = children | {spec.key for spec in tiny_workload.stages.values() if children & set(spec.parents)}
    assert len(lost) == 2

    class Spoiling(Counting):
        """Says that one stage failed."""

        def submit(self, job: PackJob) -> Future[list[StageResult]]:
            future = super().submit(job)
            spoilt = [replace(r, status="planted failure") if r.key == bad else r for r in future.result()]
            done: Future[list[StageResult]] = type(future)()
            done.set_result(spoilt)
            return done

    spoiling = Spoiling()
    run(tiny_workload, tmp_path, spoiling)
    assert spoiling.trained == Counter(tiny_workload.stages.keys() - lost)
    table = read_results(tmp_path)
    failed = table[table["status"] != "ok"]
    assert sorted(failed["strategy"]) == ["accurate_only", "asteroid"]
    assert (failed["status"] == "planted failure").all()
    columns = ["test_force_mae_ev_ang", "gamma_ev_ang", "effective_sample", "bias_median_ev_ang"]
    assert failed[columns].isna().all(axis=None)
    keys = [tuple(row[k] for k in ("strategy", "gamma_rel", "budget", "seed")) for row in lines(tmp_path)]
    good = [row for row, status in zip(lines(tmp_path), table["status"], strict=True) if status == "ok"]
    whole = {tuple(row[k] for k in ("strategy", "gamma_rel", "budget", "seed")): row for row in lines(tiny_run)}
    assert len(set(keys)) == 14
    for row in good:
        assert row == whole[tuple(row[k] for k in ("strategy", "gamma_rel", "budget", "seed"))], "to the last digit"
    again = Counting()
    run(tiny_workload, tmp_path, again)
    assert again.packs == []
    assert read_manifest(tmp_path)["status"] == "complete"


class Broken(Counting):
    """Raises in the place of the third pack's first attempts."""

    def __init__(self, failures: list[Exception]) -> None:
        super().__init__()
        self.failures = failures
        self.attempts: list[tuple[str, ...]] = []

    def submit(self, job: PackJob) -> Future[list[StageResult]]:
        self.attempts.append(tuple(spec.key for spec in job.pack.specs))
        if len(self.packs) != 2 or not self.failures:
            return super().submit(job)
        future: Future[list[StageResult]] = Future()
        future.set_exception(self.failures.pop(0))
        return future


def test_a_pack_that_fails_is_trained_again_to_the_same_bits(
    tiny_workload: Workload, tiny_run: Path, tmp_path: Path
) -> None:
    broken, notes = Broken([ValueError("a\nlong story"), MemoryError("no room")]), []
    run_workload(tiny_workload, tmp_path, broken, quiet, notes.append)
    assert len(broken.attempts) == 6
    assert broken.attempts[2] == broken.attempts[3] == broken.attempts[4], "the same pack"
    assert notes == [
        "a pack (pretrain, 3 models) failed and is trained again: ValueError: a long story",
        "a pack (pretrain, 3 models) failed and is trained again: MemoryError: no room",
    ]
    assert lines(tmp_path) == lines(tiny_run)
    for stage in (tiny_run / "store").iterdir():
        name = f"store/{stage.name}/weights.safetensors"
        assert (tmp_path / name).read_bytes() == (tiny_run / name).read_bytes()
    kept = read_manifest(tmp_path)["failures"]
    assert [(one["kind"], one["reason"]) for one in kept] == [
        ("pretrain", "ValueError: a long story"),
        ("pretrain", "MemoryError: no room"),
    ]
    assert "ValueError: a\nlong story" in kept[0]["traceback"]


def test_a_pack_that_always_fails_ends_the_run_and_keeps_what_is_finished(
    tiny_workload: Workload, tiny_run: Path, tmp_path: Path
) -> None:
    broken = Broken([KeyError(name) for name in "abcd"])
    with pytest.raises(PackFailedError, match="failed 3 times, the last time with KeyError: 'c'") as caught:
        run(tiny_workload, tmp_path, broken)
    assert isinstance(caught.value.__cause__, KeyError)
    assert "\n" not in str(caught.value)
    assert len(broken.attempts) == 2 + 3
    assert broken.closed == 1
    manifest = read_manifest(tmp_path)
    assert manifest["status"] == "running"
    assert manifest["sharing"]["stages_trained"] == sum(PACKS[:2])
    assert len(manifest["failures"]) == 3
    resumed = Counting()
    run(tiny_workload, tmp_path, resumed)
    assert len(resumed.packs) == 2
    assert lines(tmp_path) == lines(tiny_run)
    assert len(read_manifest(tmp_path)["failures"]) == 3, "reasons of earlier sessions stay"


def test_a_users_mistake_found_by_a_pack_is_not_tried_again(tiny_workload: Workload, tmp_path: Path) -> None:
    broken = Broken([InputError("the kernel does not fit: take fewer frames")])
    with pytest.raises(InputError, match="does not fit"):
        run(tiny_workload, tmp_path, broken)
    assert len(broken.attempts) == 3
    assert len(broken.packs) == 2


@pytest.mark.parametrize("room_for", [0, 5, 12])
@pytest.mark.parametrize("shared", [False, True])
def test_a_disk_that_fills_up_in_mid_run(
    tiny_workload: Workload,
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    room_for: int,
    shared: bool,
) -> None:
    store = tmp_path / "stages" if shared else tmp_path / "run" / "store"
    saved = 0
    write = Path.write_bytes

    def until_full(path: Path, content: bytes) -> int:
        nonlocal saved
        if saved == room_for:
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        saved += 1
        return write(path, content)

    def manifest_until_full(path: Path, plain: object) -> None:
        if saved == room_for:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_record(path, plain)

    stopped = Counting()
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", until_full)
        if room_for == 5:  # the manifest cannot be written either
            full.setattr(study.run.recorder, "write_record", manifest_until_full)
        with pytest.raises(OSError, match="No space left") as caught:
            run_workload(
                tiny_workload, tmp_path / "run", stopped, quiet, quiet, store=tmp_path / "stages" if shared else None
            )
    assert caught.value.errno == errno.ENOSPC
    assert stopped.closed == 1
    finished = {path.name for path in store.iterdir()}
    assert len(finished) == room_for
    assert not any(name.startswith(".") for name in finished), "what was half-written is gone"
    assert read_manifest(tmp_path / "run")["status"] == "running"
    resumed = Counting()
    run_workload(tiny_workload, tmp_path / "run", resumed, quiet, quiet, store=tmp_path / "stages" if shared else None)
    assert resumed.trained == Counter(tiny_workload.stages.keys() - finished)
    assert lines(tmp_path / "run") == lines(tiny_run)
    assert sorted(p.name for p in (tmp_path / "run").iterdir() if p.name != "store") == sorted(
        p.name for p in tiny_run.iterdir() if p.name != "store"
    )


def test_the_command_says_in_one_line_that_the_disk_is_full(
    tiny_labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from command_line import answer

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    words = ["run", str(tiny_labels / "sweep.yaml"), "--out", str(tmp_path / "run")]
    with monkeypatch.context() as full:
        full.setattr("study.engine.store.StageStore.save", no_room)
        code, _, err = answer(*words)
    assert code == 2
    again = "asteroid-study " + " ".join(words)
    full_disk = f"error: the disk is full ({tmp_path / 'run'}): free some space"
    assert err == f"{full_disk}; finished stages are kept; to go on: {again}\n"
    assert answer(*words)[0] == 0
