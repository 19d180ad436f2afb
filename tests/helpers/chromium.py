"""Pages as headless Chromium has them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

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


#: What a step may call: a value typed into a box of the card, and the answer that the card shows.
_CARD = """
    const type = (name, value) => {
      const box = document.querySelector(`[data-box="${name}"]`);
      box.value = value; box.dispatchEvent(new Event("input")); box.dispatchEvent(new Event("change"));
    };
    const read = () => document.querySelector("[data-answer]").innerText;"""


def driven(page: str, steps: str, folder: Path) -> dict[str, Any]:
    """What a script that works a page's card puts into the title, as JSON; the page itself stays as real.html."""
    policy = re.search(r"""script-src [^"]*""", page)
    assert policy is not None
    # The test's own script is allowed beside the page's; everything else stays forbidden.
    tried = page.replace(policy[0], "script-src 'unsafe-inline'")
    tried = tried.replace("</body>", f"<script>{_CARD}{steps}</script></body>")
    (folder / "page.html").write_text(tried, encoding="utf-8")
    (folder / "real.html").write_text(page, encoding="utf-8")
    found = re.search(r"<title>(.*?)</title>", opened(folder / "page.html", folder))
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told
