"""Kill a purchase at random moments: the certificate must be that of a purchase which nobody disturbed.

    python benchmarks/buying_kills.py [KILLS [here|workers|replay]...]

A small purchase on methanol is made once undisturbed, then KILLS (default 10) times, each in a new folder: its whole
process group is killed (SIGKILL) at a random moment and the same command is given again. Three ways to a label:
- here: computed one after the other by a calculator of the user's (GFN1-xTB, slowed down to 0.1 s a label);
- workers: the same on two Ray workers, which train as well;
- replay: taken from the packaged labels.
Counted: certificates, tables of out-of-fold errors and label files that differ in anything but measured times; finished
stages and labels that were lost or made again; commands that did not end well.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from kill_resume import stage_times

CALCULATOR = """
import time

from ase.calculators.calculator import all_changes
from tblite.ase import TBLite


class Slow(TBLite):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        time.sleep(0.1)
        super().calculate(atoms, properties, system_changes)


def make():
    return Slow(method="GFN1-xTB", verbosity=0)
"""
STUDY = """
name: kills
data: {dataset: methanol}
buy:
  WAY
strategies: [accurate_only, pretrain_finetune, residual]
n_cheap: [100]
model: {hidden: 8}
descriptors: {n_radial: 4, n_angular: 2, l_max: 1}
identify: {steps: 150, learning_rate: 0.02}
pretrain: {steps: 300, learning_rate: 0.02}
residual: {steps: 150, learning_rate: 0.02}
finetune:
  standard: {steps: 150, learning_rate: 0.005}
"""
_HERE = 'level: gfn1-xtb\n  price: 28s\n  candidates: 300\n  here: {calculator: "slow_xtb:make"}'
#: The section `buy` and the options of each way.
WAYS = {
    "here": (_HERE, ()),
    "workers": (_HERE, ("--workers", "2")),
    "replay": ("replay: {hidden_groups: [3]}", ()),
}
REQUEST = ("--target", "1.35 kcal/mol/A", "--most", "60")
FAULTS = ("ended badly", "lost or made again", "other certificates", "other tables", "other labels")


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "slow_xtb.py").write_text(CALCULATOR)
        for way in sys.argv[2:] or WAYS:
            section, _ = WAYS[way]
            (folder / f"{way}.yaml").write_text(STUDY.replace("WAY", section))
            began = time.monotonic()
            whole = start(folder, way, "whole")
            if whole.wait():
                sys.exit(f"{way}: the undisturbed purchase failed")
            whole_s = time.monotonic() - began
            draw, faults = random.Random(way), dict.fromkeys(FAULTS, 0)
            moments: list[str] = []
            while len(moments) < kills:
                share = draw.uniform(0.1, 0.95)
                stage = disturb(folder, way, f"killed-{len(moments)}", share * whole_s, faults)
                if stage is not None:  # else it was over before
                    moments.append(stage)
            print(
                f"{way}: undisturbed {whole_s:.0f} s, {len(rounds(folder / f'{way}-whole'))} looks; {kills} kills ("
                f"{', '.join(moments)}): " + ", ".join(f"{n} {fault}" for fault, n in faults.items()),
                flush=True,
            )


def start(folder: Path, way: str, name: str) -> subprocess.Popen[bytes]:
    """Start the purchase in a process group of its own."""
    words = ["buy", f"{way}.yaml", *REQUEST, "--out", f"{way}-{name}", *WAYS[way][1]]
    return subprocess.Popen(
        [sys.executable, "-m", "sweeps", *words], stdout=subprocess.DEVNULL, cwd=folder, start_new_session=True
    )


def disturb(folder: Path, way: str, name: str, after_s: float, faults: dict[str, int]) -> str | None:
    """Kill a purchase and make it again; where it was when it was killed, or None if it had ended."""
    out, whole = folder / f"{way}-{name}", folder / f"{way}-whole"
    process = start(folder, way, name)
    time.sleep(after_s)
    if process.poll() is not None:
        subprocess.run(["rm", "-r", out], check=True)
        return None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {**stage_times(out), **label_times(out)}
    where = f"{len(label_times(out))} labels {len(stage_times(out))} stages" if out.is_dir() else "nothing yet"
    faults["ended badly"] += start(folder, way, name).wait() != 0
    after = {**stage_times(out), **label_times(out)}
    faults["lost or made again"] += sum(after.get(made) != written for made, written in before.items())
    faults["other certificates"] += certificate(out) != certificate(whole)
    faults["other tables"] += (out / "out_of_fold.csv").read_bytes() != (whole / "out_of_fold.csv").read_bytes()
    faults["other labels"] += labels(out) != labels(whole)
    return where


def label_times(out: Path) -> dict[str, int]:
    """When each label was kept."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("labels/*.json")}


def rounds(out: Path) -> list[Any]:
    """The looks of a purchase."""
    return list(json.loads((out / "purchase.json").read_text())["rounds"])


def certificate(out: Path) -> dict[str, Any]:
    """What is certified, without what a clock has measured."""
    told = json.loads((out / "certificate.json").read_text())
    del told["spent_cpu_s"]["training of all rounds"], told["digest"]  # which covers the time measured
    return dict(told)


def labels(out: Path) -> list[bytes]:
    """Geometries, energies and forces that were bought, in order."""
    with np.load(out / "labels.npz") as file:
        return [file[key].tobytes() for key in ("R", "E", "F")]


if __name__ == "__main__":
    main()
