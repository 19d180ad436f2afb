"""Whether Ray's server still answers: after a minute of silence Ray ends this process itself, in words of its own."""

from __future__ import annotations

import socket
import threading
import time

from study.engine.executors import PackFailedError

#: How often the server is asked, and how long it may be silent, s; Ray's own patience is 60 s.
_ASK_S, SILENT_S = 2.0, 15.0


class ServerLostError(PackFailedError):
    """Ray's server has ended, and with it everything that runs in Ray."""


class ServerWatch:
    """Asks the server of a session whether it is there; safe to use from several threads.

    Args:
        address: of the server, host:port.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._asked_s = self._answered_s = time.monotonic()

    def check(self) -> None:
        """Ask, if the last time was long ago.

        Raises:
            ServerLostError: it has been silent for too long.
        """
        with self._lock:
            now = time.monotonic()
            if now - self._asked_s >= _ASK_S:
                self._asked_s = now
                if self._answers():
                    self._answered_s = now
            silent_s = self._asked_s - self._answered_s
        if silent_s >= SILENT_S:
            raise ServerLostError(
                f"Ray's server at {self._address} has not answered for {silent_s:.0f} s, as if it had been ended or "
                "killed"
            )

    def _answers(self) -> bool:
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1.0).close()
        except OSError:
            return False
        return True
