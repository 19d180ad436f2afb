"""How long a user waits: `import sweeps`, `--help` of every command, `plan`; and the card of a report in a browser.

python benchmarks/front_door.py [RUN]

RUN is the folder of a finished run, for `plan` and the card; without one these are left out. Medians of wall and CPU
seconds; the card needs Chromium.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 5
TARGETS_S = {"import sweeps": 0.5, "--help": 0.4, "plan": 2.0}


def timed(words: list[str]) -> tuple[float, float]:
    """Median wall and CPU seconds of a command."""
    wall, cpu = [], []
    for _ in range(REPEATS + 1):
        before, began = os.times(), time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = os.times()
        wall.append(time.perf_counter() - began)
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(wall[1:]), statistics.median(cpu[1:])  # the first one compiles


def told(name: str, limit_s: float, found: tuple[float, float]) -> None:
    verdict = "" if found[1] <= limit_s else "  MISSED"
    print(f"{name:28} {found[0]:6.2f} s {found[1]:6.2f} CPU s  (at most {limit_s:g}){verdict}")


def card(run: Path) -> None:
    """Milliseconds that a change of each control takes in Chromium, its answer drawn; the size of the page."""
    chromium = shutil.which("chromium")
    page = (run / "report.html").read_text(encoding="utf-8")
    print(f"page: {len(page.encode()) / 2**20:.2f} MiB (at most 5)")
    if chromium is None:
        return
    driver = """<script>
    const spent = {};
    for (const slider of document.querySelectorAll("[data-slider]")) {
      const all = [];
      for (let at = 0; at < 40; at++) {
        slider.value = Number(slider.min) + (Number(slider.max) - Number(slider.min)) * (at * 17 % 40) / 40;
        const began = performance.now();
        slider.dispatchEvent(new Event("input"));
        document.body.offsetHeight;  // laid out as well
        all.push(performance.now() - began);
      }
      all.sort((a, b) => a - b);
      spent[slider.dataset.slider] = [all[20], all[39]];
    }
    document.title = JSON.stringify(spent);
    </script></body>"""
    page = re.sub(r"script-src [^\"]*", "script-src 'unsafe-inline'", page, count=1).replace("</body>", driver)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        words = (
            "--headless --no-sandbox --disable-gpu --disable-background-networking --dump-dom --window-size=1200,2000"
        )
        done = subprocess.run(
            [chromium, *words.split(), f"--user-data-dir={folder}/browser", file.as_uri()],
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.search(r"<title>(.*?)</title>", done.stdout)
    assert found is not None
    for name, (median, worst) in json.loads(found[1]).items():
        print(f"card, {name:22} {median:6.1f} ms, at most {worst:.1f} ms of 40 changes (at most 50)")


def main() -> None:
    from sweeps.cli import COMMANDS

    command = [sys.executable, "-m", "sweeps"]
    told("python", 1.0, timed([sys.executable, "-c", "pass"]))
    told("import sweeps", TARGETS_S["import sweeps"], timed([sys.executable, "-c", "import sweeps"]))
    told("--help", TARGETS_S["--help"], timed([*command, "--help"]))
    for own in COMMANDS:
        name = own.__name__.replace("_", "-")
        told(f"{name} --help", TARGETS_S["--help"], timed([*command, name, "--help"]))
    for run in sys.argv[1:]:
        asked = ["plan", run, "--target", "0.3 kcal/mol/A"]
        told("plan", TARGETS_S["plan"], timed([*command, *asked]))
        card(Path(run))


if __name__ == "__main__":
    main()
