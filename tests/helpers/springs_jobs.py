"""Labels of atoms on springs: a calculator that fails, waits or dies where it is asked to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from asteroid.labelling.labeller import Method
from asteroid.labels.label_set import LabelSet
from study.labelling.label_run import LabelJob, LabelProgress, LabelRun, run_labels

if TYPE_CHECKING:
    from pathlib import Path

#: It notes every geometry that it is asked for in the file `asked`.
CALCULATOR = """
import os, time
from pathlib import Path
import numpy as np
from ase.calculators.calculator import Calculator, SCFError

HERE = Path(__file__).parent

class Springs(Calculator):
    implemented_properties = ["energy", "forces"]
    def calculate(self, atoms=None, properties=None, system_changes=None):
        x = self.atoms = atoms.copy()
        with open(HERE / "asked", "a") as log:
            log.write(f"{x.positions[0, 0]} {os.getpid()}\\n")
        time.sleep(float(os.environ.get("LINGER_S", 0)))
        if (HERE / "dies").exists():
            (HERE / "dies").unlink()
            os.kill(os.getpid(), 9)
        if x.positions[0, 0] in FAILING:
            raise SCFError("no solution")
        self.results = {"energy": float((x.positions**2).sum()), "forces": -2.0 * x.positions}
"""


def frames(n: int = 12) -> LabelSet:
    """Geometries that their first coordinate numbers."""
    water = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
    positions = water + 0.05 * np.random.default_rng(0).normal(size=(n, 3, 3))
    positions[:, :, 0] += (np.arange(n) - positions[:, 0, 0])[:, None]
    positions[:, 0, 0] = np.arange(n)  # to the last digit
    return LabelSet(
        np.array([8, 1, 1]),
        positions,
        None,
        None,
        "unlabelled",
        frame_id=np.arange(100, 100 + n),
        group=np.arange(n) % 3,
    )


def job(folder: Path, failing: tuple[int, ...] = (), n: int | None = None, seed: int = 0, size: int = 12) -> LabelJob:
    """A job whose calculator lies in a folder and fails for some geometries."""
    # A module of its own for every folder, as modules are imported once.
    name = f"springs_{abs(hash(str(folder)))}"
    (folder / f"{name}.py").write_text(f"FAILING = {list(map(float, failing))}\n" + CALCULATOR)
    sys.modules.pop(name, None)
    method = Method("springs", calculator=f"{name}:Springs", calculator_folder=str(folder))
    return LabelJob(frames(size), method, n, seed)


def run(job: LabelJob, folder: Path, workers: int = 1) -> tuple[LabelRun, list[LabelProgress]]:
    """What came of a job, and all that it reported on its way."""
    reports: list[LabelProgress] = []
    return run_labels(job, folder / "out.work", workers, reports.append), reports


def asked(folder: Path) -> list[float]:
    """First coordinates of the geometries that the calculator was asked for."""
    log = folder / "asked"
    return [float(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []
