"""Finding a Ray instance or starting one: addresses, shared memory, and the end of all its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from tiny_packs import DRIVER, wait_until_gone

from asteroid.errors import InputError
from study.ray_backend import session as ray_session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _environment() -> None:
    ray_session.set_environment()  # these tests import Ray by other ways than `open_session`


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


def test_small_shared_memory_falls_back_and_then_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = {ray_session._SHM: 2**30, str(tmp_path): 2**31}
    usage = type("Usage", (), {"__init__": lambda self, path: setattr(self, "free", free[str(path)])})
    monkeypatch.setattr(ray_session.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(ray_session.shutil, "disk_usage", usage)
    assert ray_session._store_directory(2**30) == ray_session._SHM
    assert ray_session._store_directory(2**30 + 1) == str(tmp_path)
    with pytest.raises(InputError, match=r"file of 4096 MiB, found 1024 MiB in /dev/shm and 2048 MiB in .*shm-size"):
        ray_session._store_directory(2**32)


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


PRIVATE = """
import os, psutil, sys
from pathlib import Path
from study.ray_backend.session import open_session
open_session(1, 0, None)
import ray
family = [psutil.Process(), *psutil.Process().children(recursive=True)]
ports = {c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == "LISTEN"}
session = Path(ray._private.worker._global_node.get_session_dir_path())
print(sorted(ports), oct(session.parents[1].stat().st_mode & 0o777), session.parents[1].name[:9])
ray.shutdown()
"""


def test_a_session_of_ones_own_is_private_and_local() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment["TMPDIR"] = tempfile.mkdtemp(prefix="a_name_that_is_too_long_for_any_socket_" * 3)
    words = [sys.executable, "-c", PRIVATE]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=True)
    ports, mode, name = done.stdout.strip().rsplit(" ", 2)
    assert (mode, name) == ("0o700", "asteroid-")
    assert all("127.0.0.1" in port for port in ports.strip("[]").split(", "))


def test_a_long_temporary_folder_gives_way_to_a_short_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("scratch_of_a_job_" * 6)
    long.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    folder = ray_session._private_folder()
    assert long not in folder.parents
    assert len(str(folder)) < 60
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
