"""Every promise names a test that keeps it, and that test exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_promise_has_a_test_that_exists() -> None:
    lines = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines()
    promises = [line for line in lines if line.startswith("- ")]
    assert len(promises) > 25
    for promise in promises:
        named = NAMED.findall(promise)
        assert named, promise
        for file, test in named:
            assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), (file, test)
