"""A sweep on two nodes of a real Ray cluster, both on this machine; one of them is lost in mid-run."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import torch
from command_line import answer
from tiny_packs import bank
from tiny_sweep import MEASURED, lines, sweep_of

from asteroid.errors import InputError
from study.engine.executors import SerialExecutor
from study.engine.store import StageStore
from study.ray_backend import session as ray_session
from study.ray_backend import worker_supply as ray_supply
from study.ray_backend.executor import RayExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.tables.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult
    from study.engine.progress import Progress

pytestmark = pytest.mark.xdist_group("ray")

#: Ray refuses a smaller object store than 75 MiB.
STORE_BYTES = 80 * 2**20
#: The first packs go on for so long after their first validation that a node can be lost in the middle of them.
SLOWER = (
    ("identify: {steps: 20, learning_rate: 0.01, validations: 2}", "identify: {steps: 900, learning_rate: 0.01}"),
    ("seeds: [0, 1]", "seeds: [0, 1]\npack_size: 2"),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head node of one core; tests add others."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray remembers the first one of a process
        patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        patch.setenv("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args=head)
        yield made
        made.shutdown()


@pytest.fixture
def other(cluster: Any) -> Iterator[Any]:
    """A second node of one core."""
    cluster.wait_for_nodes()  # the head may not know yet that others are gone
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)


def nodes_of(executor: RayExecutor) -> set[str]:
    """Nodes on which an executor's workers are."""
    from ray._private.state import actors

    alive = [a for a in actors().values() if a["State"] == "ALIVE" and a["ActorClassName"] == "PackWorker"]
    return {a["Address"]["NodeID"] for a in alive}


def test_two_nodes_give_the_table_of_one_process(
    cluster: Any, other: Any, tiny_labels: Path, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cores of the cluster by default: one worker on each node."""
    seen: set[str] = set()
    wait = RayExecutor.submit

    def submit(self: RayExecutor, *given: Any, **named: Any) -> Any:
        assert self.slots == 2
        while len(self.worker_pids) < 2:
            threading.Event().wait(0.05)
        seen.update(nodes_of(self))
        return wait(self, *given, **named)

    monkeypatch.setattr(RayExecutor, "submit", submit)
    words = ["run", str(tiny_labels / "sweep.yaml"), "--out", str(tmp_path / "run"), "--ray-address", cluster.address]
    code, _, err = answer(*words, "--store", str(tmp_path / "stages"))
    assert (code, err) == (0, "")
    assert len(seen) == 2
    assert lines(tmp_path / "run") == lines(tiny_run)
    assert read_manifest(tmp_path / "run")["failures"] == []
    assert not (tmp_path / "run" / "scratch").exists()


def test_a_node_lost_in_mid_run_loses_nothing(
    cluster: Any, other: Any, tiny_labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = make_workload(sweep_of(tiny_labels, *SLOWER))
    made: list[RayExecutor] = []
    saved: Counter[str] = Counter()
    once = threading.Lock()
    save = StageStore.save

    def counting(self: StageStore, result: StageResult) -> None:
        saved[result.key] += 1
        save(self, result)

    def make(frames: FrameBank) -> RayExecutor:
        made.append(RayExecutor(frames, workers=2, address=cluster.address, scratch=tmp_path / "run" / "scratch"))
        while len(made[-1].worker_pids) < 2:
            threading.Event().wait(0.05)
        return made[-1]

    def lose(progress: Progress) -> None:
        if progress.steps_done and once.acquire(blocking=False):  # told from several threads
            cluster.remove_node(other, allow_graceful=False)

    monkeypatch.setattr(StageStore, "save", counting)
    notes: list[str] = []
    table = run_workload(workload, tmp_path / "run", make, lose, notes.append)
    assert other not in cluster.worker_nodes
    assert saved == Counter(workload.stages.keys()), "every stage once"
    (failure,) = read_manifest(tmp_path / "run")["failures"]
    assert failure["reason"].startswith("a worker died: ")
    assert len(notes) == 1
    serial = run_workload(workload, tmp_path / "serial", SerialExecutor, lambda _: None, lambda _: None)
    pd.testing.assert_frame_equal(
        table.drop(columns=list(MEASURED)), serial.drop(columns=list(MEASURED)), check_exact=True
    )


def test_more_workers_than_cores_start_with_what_there_is_and_grow_with_the_cluster(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.wait_for_nodes()
    monkeypatch.setattr(ray_supply, "_FEWER_S", 0.5)
    notes: list[str] = []
    said = threading.Event()

    def note(line: str) -> None:
        notes.append(line)
        said.set()

    made = RayExecutor(bank(), workers=2, address=cluster.address, on_note=note)
    try:
        assert said.wait(30)
        assert notes[0].startswith("1 of 2 workers are at work (cores of Ray: 1): ")
        node = cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        for _ in range(300):
            if len(made.worker_pids) == 2:
                break
            threading.Event().wait(0.1)
        assert len(made.worker_pids) == 2
        assert len(nodes_of(made)) == 2
    finally:
        made.close()
    cluster.remove_node(node)


def test_a_node_that_cannot_hold_the_frames_is_named(cluster: Any) -> None:
    with pytest.raises(
        InputError, match=rf"need 105 MiB of every node.s .* found 80 MiB on {re.escape(os.uname().nodename)}: "
    ):
        ray_session.open_session(1, 100 * 2**20, cluster.address)
    import ray

    assert not ray.is_initialized()
