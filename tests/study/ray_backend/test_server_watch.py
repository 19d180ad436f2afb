"""A server of Ray that has ended is told in one line, before Ray ends the process in words of its own."""

import socket

import pytest

from study.ray_backend import server_watch
from study.ray_backend.server_watch import ServerLostError, ServerWatch


def test_a_server_that_has_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(server_watch.time, "monotonic", lambda: clock[0])
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        watch = ServerWatch(f"{host}:{port}")
        clock[0] = 100.0
        watch.check()
    clock[0] = 110.0
    watch.check()  # silent, but not for long
    clock[0] = 116.0
    with pytest.raises(ServerLostError, match=r"has not answered for 16 s"):
        watch.check()
