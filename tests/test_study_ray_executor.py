"""What the Ray executor does beyond every executor: deaths, streams, closing, joining, and mistakes on one line."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors import DescriptorSettings
from asteroid.errors import InputError
from asteroid.frames import FrameBank, build_bank
from asteroid.labels import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.stages import Frames, Seeds, StageSpec, train_pack
from asteroid.training import Schedule
from study import ray_executor, ray_session
from study.config import parse_sweep
from study.executors import SerialExecutor
from study.packs import Pack
from study.ray_executor import RayExecutor, WorkerLostError
from study.ray_worker import Raised, SharedBank
from study.run import make_plan, run_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asteroid.stages import StageResult
    from study.engine import Progress

#: Starting Ray costs seconds: all tests of this file share one instance, in one process of pytest-xdist.
pytestmark = pytest.mark.xdist_group("ray")

LEVEL = "ccsd_t/cc-pvdz"
DESCRIPTORS = DescriptorSettings(n_radial=4, n_angular=2, l_max=1)
#: Long enough that a worker can be killed between two validations.
SLOW = Schedule(steps=1500, learning_rate=0.001, warmup_steps=3, batch_size=4, validations=6)


@cache
def bank() -> FrameBank:
    labels = load_methanol().accurate.select(np.arange(20))
    return build_bank(DESCRIPTORS, [(labels, content_hashes(labels))])


def pack(*seeds: int, schedule: Schedule = SLOW) -> Pack:
    hashes = tuple(bank().rows[LEVEL])
    train, val = Frames(LEVEL, hashes[3:]), Frames(LEVEL, hashes[:3])
    specs = [
        StageSpec("identify", DESCRIPTORS, MLPSettings(hidden=6), schedule, train, val, Seeds(0, seed, seed))
        for seed in seeds
    ]
    return Pack(tuple(specs), share_batches=False)


def quick(*seeds: int) -> Pack:
    return pack(*seeds, schedule=replace(SLOW, steps=12))


def bits(results: list[StageResult]) -> list[tuple[object, ...]]:
    return [(r.key, r.model.parameters.numpy().tobytes(), r.model.energy_shift_ev, r.validation_curve) for r in results]


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


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there after a while."""
    return psutil.wait_procs(processes, timeout=30)[1]


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

    results = executor.submit(pack(1, 2), {}, kill_at_the_first).result(timeout=120)
    assert killed
    assert bits(results) == bits(train_pack(bank(), pack(1, 2).specs, {}))
    curves = zip(*(r.validation_curve for r in results), strict=True)
    assert seen == [(points[0][0], [error for _, error in points]) for points in curves], "each step is told once"
    both = [executor.submit(quick(seed), {}) for seed in (1, 2)]
    assert [future.exception(timeout=60) for future in both] == [None, None]
    assert set(executor.worker_pids) != set(killed)
    assert capfd.readouterr() == ("", ""), "Ray keeps its news to itself"


def test_workers_that_keep_dying_end_the_pack_with_the_reason(executor: RayExecutor) -> None:
    future = executor.submit(pack(1), {}, lambda *_: kill(executor.worker_pids))
    error = future.exception(timeout=120)
    assert isinstance(error, WorkerLostError)
    assert "2 workers died" in str(error), "max_retries is 1"
    assert "worker process has died" in str(error)
    assert "\n" not in str(error)
    assert executor.submit(quick(1), {}).exception(timeout=120) is None, "it goes on"


def test_a_failure_keeps_its_class_and_tells_where_it_happened(executor: RayExecutor) -> None:
    pids = executor.worker_pids
    unknown = replace(quick(1).specs[0], train=Frames(LEVEL, ("no such frame",)))
    error = executor.submit(Pack((unknown,), share_batches=False), {}).exception(timeout=60)
    assert type(error) is KeyError
    assert error.args == ("no such frame",)
    assert "in train_pack" in error.__notes__[0]
    assert set(pids) <= set(executor.worker_pids), "the worker lives on"


def test_causes_travel_with_an_exception() -> None:
    class AwkwardError(Exception):  # its pickle cannot be read: __init__ wants two arguments
        def __init__(self, one: str, two: str) -> None:
            super().__init__(one + two)

    try:
        try:
            try:
                raise AwkwardError("dee", "per")
            except AwkwardError as inner:
                raise OSError(28, "no space") from inner
        except OSError as error:
            raise InputError("one line") from error
    except InputError as error:
        rebuilt = pickle.loads(pickle.dumps(Raised.of(error))).rebuild()
    assert type(rebuilt) is InputError
    assert str(rebuilt) == "one line"
    assert isinstance(rebuilt.__cause__, OSError)
    assert rebuilt.__cause__.errno == 28
    assert "AwkwardError: deeper" in str(rebuilt.__cause__.__cause__)
    assert "no space" in rebuilt.__notes__[0]


def test_a_listener_that_raises_ends_its_pack_only(executor: RayExecutor) -> None:
    def listener(step: int, errors: list[float]) -> None:
        raise LookupError("mine")

    failing, other = executor.submit(pack(1), {}, listener), executor.submit(quick(2), {})
    assert isinstance(failing.exception(timeout=60), LookupError)
    assert other.exception(timeout=60) is None
    assert executor.submit(quick(1), {}).exception(timeout=60) is None


def test_closing_ends_what_is_running_and_what_waits(instance: None) -> None:
    made = RayExecutor(bank(), workers=1)
    processes = [psutil.Process(pid) for pid in made.worker_pids]
    endless = pack(1, schedule=replace(SLOW, steps=10**6, validations=1))
    running, waiting = made.submit(endless, {}), made.submit(endless, {})
    while not running.running():
        time.sleep(0.01)
    made.close()
    assert running.done()
    assert waiting.done()
    with pytest.raises(RuntimeError, match="closed"):
        running.result()
    with pytest.raises(RuntimeError, match="closed"):
        made.submit(endless, {})
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

    monkeypatch.setattr(ray_executor, "START_S", 0.5)
    monkeypatch.setattr(os, "cpu_count", lambda: 99)
    holder = ray.remote(dict).options(num_cpus=ray.available_resources()["CPU"]).remote()
    with pytest.raises(InputError, match=r"free core of Ray, waited 0 s|free core of Ray, waited 1 s"):
        RayExecutor(bank(), workers=1)
    ray.kill(holder)


def test_shared_frames_are_read_where_they_lie() -> None:
    shared = SharedBank.of(bank())
    for arrays in shared.levels.values():
        for array in arrays:
            array.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = shared.open()
    for name, tensor in vars(opened.levels[LEVEL]).items():
        original = getattr(bank().levels[LEVEL], name)
        assert tensor.data_ptr() == original.data_ptr()
        assert tensor.dtype == original.dtype
        assert tensor.shape == original.shape
    assert shared.nbytes >= sum(t.nbytes for t in vars(bank().levels[LEVEL]).values())


@pytest.mark.parametrize("address", ["nonsense", "host:port", "host:", ":6379", "host:99999", "ray://host:10001"])
def test_a_malformed_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"host:port or auto, found"):
        ray_session._find_head(address)


@pytest.mark.parametrize("port", ["closed", "silent", "web server"])
def test_an_address_where_no_ray_answers_is_named(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_session, "CONNECT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client:
                        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        if port == "closed":
            server.close()
        elif port == "web server":
            threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(InputError, match=rf"no Ray answers at 127.0.0.1:{number}, waited 1 s .*ray start --head"):
            ray_session._join(f"127.0.0.1:{number}")
        assert time.monotonic() - began < 3
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # wakes the thread


def test_a_second_address_is_refused_while_one_is_joined(instance: None) -> None:
    with pytest.raises(InputError, match=r"has joined Ray at .*, found 203.0.113.1:6379"):
        RayExecutor(bank(), workers=1, address="203.0.113.1:6379")


def test_small_shared_memory_falls_back_and_then_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = {ray_session._SHM: 2**30, str(tmp_path): 2**31}
    usage = type("Usage", (), {"__init__": lambda self, path: setattr(self, "free", free[str(path)])})
    monkeypatch.setattr(ray_session.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(ray_session.shutil, "disk_usage", usage)
    assert ray_session._store_directory(2**30) == ray_session._SHM
    assert ray_session._store_directory(2**30 + 1) == str(tmp_path)
    with pytest.raises(InputError, match=r"file of 4096 MiB, found 1024 MiB in /dev/shm and 2048 MiB in .*shm-size"):
        ray_session._store_directory(2**32)


#: A driver in a process of its own. It says when its pack is in training, which lasts until it is killed.
DRIVER = """
import os, sys
import numpy as np
from asteroid.datasets import load_methanol
from asteroid.descriptors import DescriptorSettings
from asteroid.frames import build_bank
from asteroid.labels import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.stages import Frames, Seeds, StageSpec
from asteroid.training import Schedule
from study.packs import Pack
from study.ray_executor import RayExecutor

settings, steps = DescriptorSettings(n_radial=4, n_angular=2, l_max=1), int(sys.argv[1])
labels = load_methanol().accurate.select(np.arange(20))
bank = build_bank(settings, [(labels, content_hashes(labels))])
frames = tuple(bank.rows[labels.level])
schedule = Schedule(steps, 0.001, warmup_steps=3, batch_size=4, validations=max(6, steps // 500))
spec = StageSpec("identify", settings, MLPSettings(hidden=6), schedule, Frames(labels.level, frames[3:]),
                 Frames(labels.level, frames[:3]), Seeds(0, 1, 1))
executor = RayExecutor(bank, workers=1, address=(sys.argv[2:] or [None])[0])
try:
    future = executor.submit(Pack((spec,), False), {}, lambda step, errors: print(step, flush=True))
    (result,) = future.result()
    print(result.model.parameters.numpy().tobytes().hex(), *executor.worker_pids, flush=True)
finally:
    executor.close()
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_driver_and_none_needs_home(end: signal.Signals) -> None:
    """SIGINT goes to the whole group of processes, as a terminal sends it. HOME is a folder nobody can write to."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    driver = psutil.Popen(
        [sys.executable, "-c", DRIVER, "1000000"],
        env=environment | {"HOME": "/proc/read-only"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with driver.stdout, driver.stderr:
        line = driver.stdout.readline()
        assert line == "500\n", driver.stderr.read()
        # Ray's agents notice the end of their node by themselves, a minute after a SIGKILL.
        family = [process for process in driver.children(recursive=True) if "Agent" not in process.name()]
        assert {"ray::PackWorker", "raylet"} <= {process.name().partition(".")[0] for process in family}
        if end is signal.SIGINT:
            os.killpg(driver.pid, end)
        else:
            driver.kill()
        driver.wait(timeout=60)
        assert not wait_until_gone(family)
        if end is signal.SIGINT:
            assert driver.stderr.read().strip().endswith("KeyboardInterrupt")


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
    (here,) = executor.submit(pack(1), {}).result(timeout=60)
    assert weights == here.model.parameters.numpy().tobytes().hex()
    assert not wait_until_gone([psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))])


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
pack_size: 2
model: {hidden: 8}
descriptors: {n_radial: 4, n_angular: 2, l_max: 1}
identify: {steps: 600, learning_rate: 0.01, validations: 3}
pretrain: {steps: 20, learning_rate: 0.01, validations: 2}
finetune:
  standard: {steps: 20, learning_rate: 0.002, validations: 2}
"""


def test_a_sweep_gives_the_same_table_even_where_workers_die(instance: None, tmp_path: Path) -> None:
    methanol = load_methanol()
    group = methanol.accurate.group
    assert group is not None
    rows = np.concatenate([np.flatnonzero(group == g)[:20] for g in range(4)])
    for name, labels in (
        ("accurate", methanol.accurate.select(rows)),
        ("cheap", methanol.cheap.select(np.arange(0, 20_000, 100))),
    ):
        arrays = {"R": labels.positions, "E": labels.energy, "F": labels.forces, "replica": labels.group}
        np.savez(tmp_path / f"{name}.npz", z=labels.numbers, **arrays)
    plan = make_plan(parse_sweep(SWEEP, "sweep.yaml", tmp_path))
    made: list[RayExecutor] = []
    killed: list[int] = []

    def make(frames: FrameBank) -> RayExecutor:
        made.append(RayExecutor(frames, workers=2))
        return made[-1]

    def kill_in_mid_pack(progress: Progress) -> None:
        if progress.steps_done and not killed:
            killed.extend(made[-1].worker_pids)
            kill(made[-1].worker_pids)

    tables = [
        run_plan(plan, tmp_path / "serial", SerialExecutor, lambda _: None, lambda _: None),
        run_plan(plan, tmp_path / "ray", make, lambda _: None, lambda _: None),
        run_plan(plan, tmp_path / "killed", make, kill_in_mid_pack, lambda _: None),
    ]
    assert killed
    serial, *others = (table.drop(columns="recipe_core_s") for table in tables)
    assert len(serial) > 10
    for other in others:
        pd.testing.assert_frame_equal(other, serial, check_exact=True)
