"""Ctrl-C in mid-run, in real processes: exit code 130, the command that goes on, nothing left behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from command_line import answer
from tiny_packs import wait_until_gone
from tiny_sweep import SWEEP

from study.tables.manifest import read_manifest
from study.tables.results import read_results

if TYPE_CHECKING:
    from pathlib import Path

#: Fine-tuning is long enough to be interrupted.
LONG = SWEEP.replace("standard: {steps: 20,", "standard: {steps: 900,")


def start(words: list[str], said: Path) -> subprocess.Popen[bytes]:
    with said.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "sweeps", *words],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # so that the signal can go to all of its processes, as a terminal sends it
        )


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c(tiny_labels: Path, tmp_path: Path, workers: int) -> None:
    if workers > (os.cpu_count() or 1):
        pytest.skip("needs two cores")
    (tmp_path / "long.yaml").write_text(LONG.replace("file: ", f"file: {tiny_labels}/"))
    folder, store = tmp_path / "the run", tmp_path / "stages"
    words = ["run", str(tmp_path / "long.yaml"), "--out", str(folder)]
    words += [*(["--workers", "2"] if workers == 2 else []), "--store", str(store)]
    driver = start(words, tmp_path / "said")
    until = time.monotonic() + 120
    while len(list(store.glob("[!.]*/stage.json"))) < 10 and driver.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    assert driver.poll() is None, (tmp_path / "said").read_text()
    time.sleep(0.3)  # into the fine-tuning
    children = psutil.Process(driver.pid).children(recursive=True)
    assert len(children) >= workers - 1
    os.killpg(driver.pid, signal.SIGINT)
    assert driver.wait(timeout=60) == 130
    said = (tmp_path / "said").read_text()
    assert "Traceback" not in said
    last = said.rstrip("\n").rsplit("\n", 1)[-1]
    found = re.fullmatch(r"stopped; finished stages are kept; to go on: asteroid-study (.*)", last)
    assert found, said
    assert shlex.split(found[1]) == words
    assert wait_until_gone(children) == []
    assert not list(store.glob(".*"))
    manifest = read_manifest(folder)
    assert (manifest["status"], manifest["sharing"]["stages_trained"]) == ("running", 10)
    kept = {p: p.stat().st_mtime_ns for p in store.rglob("*.json")}
    if workers == 1:
        assert answer(*shlex.split(found[1]))[0] == 0
    else:  # Ray is started in a process of its own
        again = start(shlex.split(found[1]), tmp_path / "said")
        assert again.wait(timeout=120) == 0, (tmp_path / "said").read_text()
    assert (read_results(folder)["status"] == "ok").all()
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in store.rglob("*.json")}.items()
