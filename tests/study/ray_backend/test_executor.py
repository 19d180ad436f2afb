"""What the Ray executor does beyond every executor: deaths, streams, closing, joining, and mistakes on one line."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from tiny_packs import DESCRIPTORS, DRIVER, LEVEL, SLOW, bank, bits, pack, quick, wait_until_gone
from tiny_sweep import MEASURED, sweep_of

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes
from asteroid.stages.stage import Frames
from asteroid.stages.train import train_pack
from study.engine.executors import PackJob, SerialExecutor
from study.ray_backend import session as ray_session
from study.ray_backend import worker_supply as ray_supply
from study.ray_backend.executor import RayExecutor
from study.ray_backend.shared_bank import SharedBank
from study.ray_backend.worker_supply import WorkerLostError
from study.recipes.packs import Pack
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from study.engine.progress import Progress

#: Starting Ray costs seconds: all tests of this file share one instance, in one process of pytest-xdist.
pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def instance() -> Iterator[None]:
    """A Ray instance with room for several executors at once, whatever the machine."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 4)
        assert ray_session.open_session(4, 0, None)
    import ray

    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def executor(instance: None) -> Iterator[RayExecutor]:
    made = RayExecutor(bank(), workers=2, max_retries=1)
    yield made
    made.close()


def kill(pids: tuple[int, ...]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_killed_worker_is_replaced_and_its_pack_comes_out_the_same(
    executor: RayExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, list[float]]] = []
    killed: list[int] = []

    def kill_at_the_first(step: int, errors: list[float]) -> None:
        if not seen:
            killed.extend(executor.worker_pids)
            kill(executor.worker_pids)
        seen.append((step, errors))

    results = executor.submit(PackJob(pack(1, 2), {}, kill_at_the_first)).result(timeout=120)
    assert killed
    assert bits(results) == bits(train_pack(bank(), pack(1, 2).specs, {}))
    curves = zip(*(r.validation_curve for r in results), strict=True)
    assert seen == [(points[0][0], [error for _, error in points]) for points in curves], "each step is told once"
    both = [executor.submit(PackJob(quick(seed))) for seed in (1, 2)]
    assert [future.exception(timeout=60) for future in both] == [None, None]
    assert set(executor.worker_pids) != set(killed)
    assert capfd.readouterr() == ("", ""), "Ray keeps its news to itself"


def test_workers_that_keep_dying_end_the_pack_with_the_reason(executor: RayExecutor) -> None:
    future = executor.submit(PackJob(pack(1), {}, lambda *_: kill(executor.worker_pids)))
    error = future.exception(timeout=120)
    assert isinstance(error, WorkerLostError)
    assert "2 workers died" in str(error), "max_retries is 1"
    assert "worker process has died" in str(error)
    assert "\n" not in str(error)
    assert executor.submit(PackJob(quick(1))).exception(timeout=120) is None, "it goes on"


def test_a_failure_keeps_its_class_and_tells_where_it_happened(executor: RayExecutor) -> None:
    pids = executor.worker_pids
    unknown = replace(quick(1).specs[0], train=Frames(LEVEL, ("no such frame",)))
    error = executor.submit(PackJob(Pack((unknown,), share_batches=False))).exception(timeout=60)
    assert type(error) is KeyError
    assert error.args == ("no such frame",)
    assert "in train_pack" in error.__notes__[0]
    assert set(pids) <= set(executor.worker_pids), "the worker lives on"


def test_a_listener_that_raises_ends_its_pack_only(executor: RayExecutor) -> None:
    def listener(step: int, errors: list[float]) -> None:
        raise LookupError("mine")

    failing, other = executor.submit(PackJob(pack(1), {}, listener)), executor.submit(PackJob(quick(2)))
    assert isinstance(failing.exception(timeout=60), LookupError)
    assert other.exception(timeout=60) is None
    assert executor.submit(PackJob(quick(1))).exception(timeout=60) is None


def test_closing_ends_what_is_running_and_what_waits(instance: None) -> None:
    made = RayExecutor(bank(), workers=1)
    processes = [psutil.Process(pid) for pid in made.worker_pids]
    endless = pack(1, schedule=replace(SLOW, steps=10**6, validations=1))
    running, waiting = made.submit(PackJob(endless)), made.submit(PackJob(endless))
    while not running.running():
        time.sleep(0.01)
    made.close()
    assert running.done()
    assert waiting.done()
    with pytest.raises(RuntimeError, match="closed"):
        running.result()
    with pytest.raises(RuntimeError, match="closed"):
        made.submit(PackJob(endless))
    assert not wait_until_gone(processes)
    made.close()


def test_no_worker_is_refused(instance: None) -> None:
    with pytest.raises(InputError, match=r"at least one worker.*found 0"):
        RayExecutor(bank(), workers=0)
    cores = os.cpu_count() or 1
    with pytest.raises(InputError, match=rf"found {cores + 1} workers on {cores} cores: use --workers {cores}$"):
        RayExecutor(bank(), workers=cores + 1)


def test_waiting_for_a_core_has_an_end(instance: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray_supply, "START_S", 0.5)
    monkeypatch.setattr(os, "cpu_count", lambda: 99)
    holder = ray.remote(dict).options(num_cpus=ray.available_resources()["CPU"]).remote()
    with pytest.raises(InputError, match=r"free core of Ray, waited 0 s|free core of Ray, waited 1 s"):
        RayExecutor(bank(), workers=1)
    ray.kill(holder)


def test_shared_frames_are_read_where_they_lie() -> None:
    """Labels of the cheap method and probes included: what a level has is nested."""
    labels = load_methanol().accurate.select(np.arange(4))
    given = build_bank(DESCRIPTORS, [BankEntry(labels, content_hashes(labels), cheap=(labels,), n_probes=2)])
    shared = SharedBank.of(given)
    for _, array in leaves(shared.bank.levels[LEVEL]):
        array.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = shared.open()
    originals = leaves(given.levels[LEVEL])
    assert len(originals) == 10, "frames, cheap labels and probes"
    for (name, tensor), (other, original) in zip(leaves(opened.levels[LEVEL]), originals, strict=True):
        assert name == other
        assert tensor.data_ptr() == original.data_ptr(), name
        assert (tensor.dtype, tensor.shape) == (original.dtype, original.shape)
    assert (opened.layout, opened.rows) == (given.layout, given.rows)
    assert shared.nbytes >= sum(tensor.nbytes for _, tensor in originals)


def leaves(value: object) -> list[tuple[str, Any]]:
    """Arrays or tensors of nested records with their names."""
    found = []
    for name, item in (value if isinstance(value, dict) else vars(value)).items():
        nested = isinstance(item, dict) or hasattr(item, "__dataclass_fields__")
        found += leaves(item) if nested else [(name, item)]
    return found


def test_a_second_address_is_refused_while_one_is_joined(instance: None) -> None:
    with pytest.raises(InputError, match=r"has joined Ray at .*, found 203.0.113.1:6379"):
        RayExecutor(bank(), workers=1, address="203.0.113.1:6379")


def test_a_joined_cluster_trains_the_same_and_stays(instance: None, executor: RayExecutor) -> None:
    import ray

    address = ray.get_runtime_context().gcs_address
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRIVER, "1500", address], capture_output=True, text=True, timeout=120
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    *steps, last = answer.stdout.splitlines()
    weights, *pids = last.split()
    assert steps == ["250", "500", "750", "1000", "1250", "1500"]
    (here,) = executor.submit(PackJob(pack(1))).result(timeout=60)
    assert weights == here.model.parameters.numpy().tobytes().hex()
    assert not wait_until_gone([psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))])


#: The first packs go on for so long after their first validation that workers can be killed in the middle of them.
SLOWER = (
    ("identify: {steps: 20, learning_rate: 0.01, validations: 2}", "identify: {steps: 400, learning_rate: 0.01}"),
    ("seeds: [0, 1]", "seeds: [0, 1]\npack_size: 2"),
)


def test_a_sweep_gives_the_same_table_even_where_workers_die(instance: None, tiny_labels: Path, tmp_path: Path) -> None:
    workload = make_workload(sweep_of(tiny_labels, *SLOWER))
    made: list[RayExecutor] = []
    killed: list[int] = []
    notes: list[str] = []

    def make(frames: FrameBank) -> RayExecutor:
        made.append(RayExecutor(frames, workers=2))
        return made[-1]

    def kill_in_mid_pack(progress: Progress) -> None:
        if progress.steps_done and not killed:
            killed.extend(made[-1].worker_pids)
            kill(made[-1].worker_pids)

    serial = run_workload(workload, tmp_path / "serial", SerialExecutor, lambda _: None, lambda _: None)
    table = run_workload(workload, tmp_path / "killed", make, kill_in_mid_pack, notes.append)
    assert killed
    failures = read_manifest(tmp_path / "killed")["failures"]
    assert 1 <= len(failures) <= 2, "one for each pack whose worker died"
    assert all(f["kind"] == "identify" and f["reason"].startswith("a worker died: ") for f in failures)
    assert len(notes) == len(failures)
    assert all(note.startswith("a pack (identify, ") and "is trained again" in note for note in notes)
    assert len(serial) > 10
    pd.testing.assert_frame_equal(
        table.drop(columns=list(MEASURED)), serial.drop(columns=list(MEASURED)), check_exact=True
    )
