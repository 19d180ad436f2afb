"""Pages as headless Chromium has them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium")


def opened(page: Path, folder: Path) -> str:
    """The page as Chromium has it once its scripts have run; what it asked for stands in log.json."""
    assert CHROMIUM is not None
    words = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    words += " --disable-component-update --disable-sync --virtual-time-budget=3000 --dump-dom"
    words += " --disable-features=NetworkTimeServiceQuerying"
    own = [f"--user-data-dir={folder / 'browser'}", f"--log-net-log={folder / 'log.json'}"]
    done = subprocess.run(
        [CHROMIUM, *words.split(), *own, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout
