"""How long label files take to load through all guards, and how much memory.

Usage: python benchmarks/loading.py [FOLDER]

FOLDER holds public sets under the names below; those that are there are loaded. Then 100,000 frames of 21 atoms are
made in a scratch folder and loaded as npz and as extended XYZ. Every set is loaded in a process of its own; the memory
includes imports, the seconds do not.
"""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from asteroid.checks.data_card import label_card
from asteroid.checks.guards import check_labels, drop_duplicates
from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet
from asteroid.labels.total_energy import all_electron_energy_ev

NOTHING = Declaration()
KCAL = Declaration(energy_unit="kcal/mol", length_unit="Angstrom")
EV = Declaration(energy_unit="eV", length_unit="Angstrom")


def _two_levels(level: str, key: str) -> Declaration:
    return replace(KCAL, level=level, energy_key=f"E_{key}", forces_key=f"F_{key}")


#: Label files and what has to be declared for them.
SETS: tuple[tuple[str, Declaration], ...] = (
    ("ethanol_ccsd_t-train.npz", NOTHING),
    ("ethanol_rmd17.npz", _two_levels("pbe/def2-svp", "pbe_svp")),
    ("ethanol_rmd17.npz", _two_levels("pbe+ts", "pbe_ts")),
    ("md17:aspirin CCSD", NOTHING),
    ("aspirin_rmd17.npz", _two_levels("pbe/def2-svp", "pbe_svp")),
    ("aspirin_rmd17.npz", _two_levels("pbe+ts", "pbe_ts")),
    ("h2co_B3LYP_cc-pVDZ_4001.npz", replace(EV, level="b3lyp/cc-pvdz")),
    ("h2co_mp2_avtz_4001.npz", replace(EV, level="mp2/aug-cc-pvtz")),
    ("h2co_ccsdt_avtz_4001.npz", replace(EV, level="ccsd_t-f12b/aug-cc-pvtz-f12")),
    ("own/methanol_gfn2-xtb.npz", NOTHING),
    ("own/methanol_ccsd_t_cc-pvdz.npz", NOTHING),
)
FRAMES, ATOMS = 100_000, 21


def main(arguments: list[str]) -> int:
    if len(arguments) == 3 and arguments[0] == "--load":
        load(Path(arguments[1]), int(arguments[2]))
        return 0
    worst = 0
    if arguments:
        for number, (name, _) in enumerate(SETS):
            present = name.startswith("md17:") or Path(arguments[0], name).exists()
            worst |= _in_a_process(Path(arguments[0]), number) if present else 0
    with tempfile.TemporaryDirectory() as folder:
        labels = synthetic()
        for number, name in ((-1, "synthetic.npz"), (-2, "synthetic.xyz")):
            write_labels(labels, Path(folder, name))
            worst |= _in_a_process(Path(folder), number)
    return worst


def _in_a_process(folder: Path, number: int) -> int:
    return subprocess.run([sys.executable, __file__, "--load", str(folder), str(number)], check=False).returncode


def load(folder: Path, number: int) -> None:
    """Load one set through all guards and print its card, the seconds and the peak memory."""
    name, declared = SETS[number] if number >= 0 else (f"synthetic.{'npz' if number == -1 else 'xyz'}", NOTHING)
    path = name if name.startswith("md17:") else folder / name
    if name.startswith("md17:"):
        importlib.import_module("torch_geometric.datasets.md17")
    start, cpu = time.perf_counter(), time.process_time()
    try:
        loaded = read_labels(path, replace(declared, data_folder=folder))
        labels, dropped = drop_duplicates(loaded.labels)
        checked = check_labels(labels, name)
    except InputError as error:
        print(error)
        sys.exit(2)
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    card = label_card(labels, name, checked)
    print("\n".join([card.title(), *card.lines(), f"  {len(dropped)} duplicates dropped"]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  loaded through all guards in {seconds:.2f} s ({cpu_s:.2f} CPU s), peak {peak:.2f} GiB", flush=True)


def synthetic() -> LabelSet:
    """Harmonic vibrations of a helix of atoms: every guard has its full work to do."""
    rng = np.random.default_rng(0)
    turn = np.arange(ATOMS) * 1.2
    rest = np.stack([1.1 * np.cos(turn), 1.1 * np.sin(turn), 0.6 * np.arange(ATOMS)], axis=1)
    numbers = np.array([6, 1, 8] * (ATOMS // 3))
    moved = 0.05 * rng.normal(size=(FRAMES, ATOMS, 3))
    # Springs between all neighbours in the chain up to the third, so that nothing pushes or turns the whole.
    positions = rest + moved
    energy, forces = np.full(FRAMES, all_electron_energy_ev(numbers)), np.zeros_like(positions)
    for gap in (1, 2, 3):
        between = positions[:, gap:] - positions[:, :-gap]
        length = np.linalg.norm(between, axis=2)
        stretch = length - np.linalg.norm(rest[gap:] - rest[:-gap], axis=1)
        energy += 10.0 * np.square(stretch).sum(axis=1)
        pull = 20.0 * (stretch / length)[:, :, None] * between
        forces[:, :-gap] += pull
        forces[:, gap:] -= pull
    return LabelSet(numbers, positions, energy, forces, "springs")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
