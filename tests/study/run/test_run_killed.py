"""A tiny sweep killed at many points or torn on disk, and resumed to the same last bit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tiny_sweep import Counting, copy_of, lines, run, stage_files

from study.tables.manifest import read_manifest

if TYPE_CHECKING:
    from study.recipes.workload import Workload

DRIVER = '''
"""Runs the sweep once for each point, in a forked copy that is killed there."""

import os, signal, sys
from dataclasses import replace
from pathlib import Path

import study.engine.store, study.recipes.workload, study.run.rows, study.run.run
from study.config.sweep_text import read_sweep
from study.engine.executors import SerialExecutor


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(SerialExecutor):
    """Dies before a pack, or in the middle of training it."""

    slots = 1
    place, before, within = 0, None, None

    def submit(self, job):
        number, Dying.place = Dying.place, Dying.place + 1
        if number == Dying.before:
            die()

        def on_step(step, errors):
            if number == Dying.within and step > 10:
                die()
            job.on_validation(step, errors)

        return super().submit(replace(job, on_validation=on_step))


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
        study.engine.store.StageStore.save = after(study.engine.store.StageStore.save, number)
    elif what == "weights":
        study.engine.store.content_digest = after(study.engine.store.content_digest, number)
    elif what == "table":
        study.run.rows.RowMaker.make = after(study.run.rows.RowMaker.make, number)


sweep = read_sweep(Path(sys.argv[1]))
workload = study.recipes.workload.make_workload(sweep)
for point in sys.argv[3:]:
    child = os.fork()
    if not child:
        what, number = point.split("-")
        prepare(what, int(number))
        study.run.run.run_workload(workload, Path(sys.argv[2]) / point, Dying, lambda progress: None, print)
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
    "table-1": 18,  # all stages, but not the table
}


@pytest.fixture(scope="module")
def killed(tiny_labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of runs that were killed by SIGKILL, and one that was not, all in another process."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "driver.py").write_text(DRIVER)
    done = subprocess.run(
        [sys.executable, folder / "driver.py", tiny_labels / "sweep.yaml", folder, *KILLS, "never-1"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "4242"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [*(f"{point} signal 9" for point in KILLS), "never-1 exit 0"]
    return folder


def test_another_process_gives_the_same_table(killed: Path, tiny_run: Path) -> None:
    assert lines(killed / "never-1") == lines(tiny_run)


@pytest.mark.parametrize("point", KILLS)
def test_killed_and_resumed(tiny_workload: Workload, tiny_run: Path, killed: Path, tmp_path: Path, point: str) -> None:
    folder = Path(shutil.copytree(killed / point, tmp_path / "run"))
    finished = {path.name for path in (folder / "store").glob("*") if not path.name.startswith(".")}
    assert len(finished) == KILLS[point]
    kept = {name: stamp for name, stamp in stage_files(folder).items() if name.split("/")[1] in finished}
    resumed = Counting()
    run(tiny_workload, folder, resumed)
    assert resumed.trained == Counter(tiny_workload.stages.keys() - finished), "what was finished is not trained twice"
    assert kept.items() <= stage_files(folder).items()
    assert lines(folder) == lines(tiny_run)
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in tiny_run.iterdir())
    assert {p.name for p in (folder / "store").iterdir()} == tiny_workload.stages.keys(), "no leftovers"
    assert read_manifest(folder)["status"] == "complete"


@pytest.mark.parametrize("tear", ["no weights", "half a record", "no record"])
def test_torn_stages_are_trained_again_to_the_same_bits(
    tiny_workload: Workload, tiny_run: Path, tmp_path: Path, tear: str
) -> None:
    folder = copy_of(tiny_run, tmp_path)
    by_kind = {spec.kind: key for key, spec in tiny_workload.stages.items()}  # the last of each kind
    for key in by_kind.values():
        stage = folder / "store" / key
        if tear == "no weights":
            (stage / "weights.safetensors").unlink()
        elif tear == "half a record":
            (stage / "stage.json").write_text((stage / "stage.json").read_text()[:100])
        else:
            (stage / "stage.json").unlink()
    repaired = Counting()
    run(tiny_workload, folder, repaired)
    assert repaired.trained == Counter(by_kind.values())
    assert lines(folder) == lines(tiny_run)
    for key in by_kind.values():
        name = Path("store", key, "weights.safetensors")
        assert (folder / name).read_bytes() == (tiny_run / name).read_bytes()
