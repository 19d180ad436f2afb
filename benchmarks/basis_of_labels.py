"""What the packaged CCSD(T)/cc-pVDZ labels of methanol are short of: MP2 forces in a larger basis, on some frames.

    python benchmarks/basis_of_labels.py FOLDER [FRAMES]

Each frame, drawn by hash from all packaged labels, is labelled with MP2/cc-pVDZ and MP2/cc-pVTZ; the difference is what
`ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)` adds to its label. Labels are kept in the folder: killed, it goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from study.run.hardware import processor, use_one_thread

use_one_thread()

import numpy as np  # noqa: E402

from asteroid.datasets import load_methanol  # noqa: E402
from asteroid.labelling.labeller import Method  # noqa: E402
from asteroid.units import KCAL_PER_MOL_EV  # noqa: E402
from study.labelling.label_run import LabelJob, run_labels  # noqa: E402

SMALL, LARGE = "mp2/cc-pvdz", "mp2/cc-pvtz"


def main(folder: Path, frames: int) -> None:
    owned = load_methanol().accurate
    jobs = [(level.replace("/", "_"), LabelJob(owned, Method(level), frames, 0)) for level in (SMALL, LARGE)]
    small, large = (run_labels(job, folder / name, 1, lambda _: None).labels for name, job in jobs)
    assert (small.frame_id == large.frame_id).all()
    kept = owned.select(np.flatnonzero(np.isin(owned.frame_id, small.frame_id)).tolist())
    assert (kept.positions == small.positions).all()
    forces, energies = _difference(large.forces, small.forces), _difference(large.energy, small.energy)
    of_method = _difference(small.forces, kept.forces)
    assert small.cpu_s is not None
    assert large.cpu_s is not None
    of_frames = np.abs(forces).mean(axis=(1, 2))
    print(f"{len(small)} frames; {processor()}, one thread, CPU a label, median: ", end="")
    print(f"{np.median(small.cpu_s):.1f} s {SMALL}, {np.median(large.cpu_s):.1f} s {LARGE}")
    print(
        f"force MAE of {LARGE} - {SMALL}: {of_frames.mean():.2f} kcal/mol/Å (frames: {of_frames.min():.2f} to ", end=""
    )
    print(f"{of_frames.max():.2f}, sd {of_frames.std(ddof=1):.2f}), RMSE {np.sqrt((forces**2).mean()):.2f}")
    print(f"energies: sd {energies.std(ddof=1):.2f} kcal/mol about their mean")
    print(f"for comparison, force MAE of {SMALL} against CCSD(T)/cc-pVDZ: {np.abs(of_method).mean():.2f}")


def _difference(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray:
    """Of energies (kcal/mol) or forces (kcal/mol/Å) of the same frames."""
    assert first is not None
    assert second is not None
    return np.asarray((first - second) / KCAL_PER_MOL_EV)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 20)
