"""A journal whose every line names the one before it, so that a line that is lost, doubled or changed shows.

Optuna replays a journal line by line: a number with another digit is another error of a trial, and where a line is
missing all later trials have another number. The link is one key more in each line, which Optuna does not read: a
digest of the line before and of the rest of this one.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from optuna.storages.journal import JournalFileBackend

if TYPE_CHECKING:
    from pathlib import Path

_LINK = "link"


class LinkedJournal(JournalFileBackend):
    """Optuna's journal file with linked lines; one process writes to it.

    Args:
        path: the file, whole as `first_damage` says.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._last = _last_line(path)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write lines, each linked to the one before."""
        linked, last = [], self._last
        for log in logs:
            own = log | {_LINK: _link(last, log)}
            linked.append(own)
            last = json.dumps(own, separators=(",", ":")).encode() + b"\n"
        super().append_logs(linked)
        self._last = last


def first_damage(path: Path) -> tuple[int, dict[str, Any]] | None:
    """Where a journal is not as it was written: (number of the line from 1, what can be read of it), or None.

    Lines of earlier releases have no links: there only lines that cannot be read show.
    """
    last, linked = b"", False
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                log = json.loads(line)
            except (ValueError, RecursionError):
                return number, {}
            if not isinstance(log, dict) or not isinstance(log.get("op_code"), int) or not line.endswith(b"\n"):
                return number, {}
            stated = log.pop(_LINK, None)
            if (stated is None and linked) or (stated is not None and stated != _link(last, log)):
                return number, log
            last, linked = line, linked or stated is not None
    return None


def _link(last: bytes, log: dict[str, Any]) -> str:
    text = json.dumps(log, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(last + text.encode(), digest_size=8).hexdigest()


def _last_line(path: Path) -> bytes:
    content = path.read_bytes()
    return content[content.rfind(b"\n", 0, len(content) - 1) + 1 :] if content else b""
