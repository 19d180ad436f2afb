"""Label files of three levels of methanol, and sweeps on them: a ladder, and two cheap levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tiny_sweep import SWEEP, write_labels

from asteroid.datasets import load_methanol

if TYPE_CHECKING:
    from pathlib import Path

UNITS = "energy_unit: eV, length_unit: Angstrom, group_key: replica"
FILES = {
    "accurate": f"{{file: accurate.npz, level: ccsd_t/cc-pvdz, {UNITS}, price: 28s}}",
    "mp2": f"{{file: mp2.npz, level: mp2/cc-pvdz, {UNITS}, price: 3s}}",
    "xtb": f"{{file: cheap.npz, level: gfn2-xtb, {UNITS}, price: 2ms, sampling_price: 50ms}}",
}
LADDER = f"  levels:\n    - {FILES['xtb']}\n    - {FILES['mp2']}\n    - {FILES['accurate']}\n"
TWO_CHEAP = f"  accurate: {FILES['accurate']}\n  cheap:\n    - {FILES['xtb']}\n    - {FILES['mp2']}\n"
BY_LEVEL = "n_cheap: {gfn2-xtb: [40], mp2/cc-pvdz: [20, 30]}"


def sweep_text(data: str, strategies: str, n_cheap: str = BY_LEVEL, test: str = "test: {groups: [3]}") -> str:
    text = SWEEP.replace(SWEEP[SWEEP.index("  accurate:") : SWEEP.index("test:")], data)
    text = text.replace("[accurate_only, cheap_only, pretrain_finetune, asteroid]", strategies)
    return (
        text.replace("n_cheap: [40]", n_cheap)
        .replace("test: {groups: [3]}", test)
        .replace("seeds: [0, 1]", "seeds: [0]")
    )


def write_three_levels(folder: Path) -> None:
    """The files of the tiny sweep, labels between the two levels (`mp2`), and such at other geometries (`other`)."""
    write_labels(folder)
    methanol = load_methanol()
    with np.load(folder / "accurate.npz") as accurate:
        arrays = dict(accurate)
    rows = [int(np.flatnonzero((methanol.accurate.positions == at).all((1, 2)))[0]) for at in arrays["R"]]
    cheap = methanol.cheap.select(methanol.accurate.frame_id[rows])
    assert cheap.energy is not None
    assert cheap.forces is not None
    arrays["E"] = arrays["E"] + 0.2 * (cheap.energy - arrays["E"])
    arrays["F"] = arrays["F"] + 0.2 * (cheap.forces - arrays["F"])
    np.savez(folder / "mp2.npz", **arrays)
    other = methanol.cheap.select(np.arange(50, 20_000, 100))
    arrays = {"R": other.positions, "E": other.energy, "F": other.forces, "replica": other.group}
    np.savez(folder / "other.npz", z=other.numbers, **arrays)
