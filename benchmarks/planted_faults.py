"""Single frames broken on purpose: nine kinds of faults in random frames of real sets, and the sets as they are.

    python benchmarks/planted_faults.py DATA [--frames 200] [--size N] [--only ethanol] [--done FILE]

DATA is a folder with the sets that are not packaged (names in `real_sets`). Of every fault the share is printed that
was refused with the right frame; then how many random thinnings of the sound sets were refused, which should be none.
Lines are appended to the file of --done as well, and what stands there is not measured again.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from asteroid.checks.single_frames import broken_frames
from asteroid.datasets import load_methanol
from asteroid.labels.label_set import LabelSet
from asteroid.units import KCAL_PER_MOL_EV


@dataclass
class Arrays:
    """Copies of a set's arrays, to be broken, and the frames to break."""

    positions: np.ndarray
    energy: np.ndarray
    forces: np.ndarray
    row: int
    other: int
    rng: np.random.Generator

    def atom(self) -> int:
        """One of the atoms, at random."""
        return int(self.rng.integers(self.positions.shape[1]))


Fault = Callable[[Arrays], None]


def real_sets(data: Path) -> Iterator[tuple[str, LabelSet]]:
    """Twelve sets: methanol, ethanol, aspirin and formaldehyde, cheap and accurate."""
    methanol = load_methanol()
    yield "methanol CCSD(T)", methanol.accurate
    yield "methanol GFN2-xTB", methanol.cheap
    ethanol = np.load(data / "ethanol_ccsd_t-train.npz")
    distinct = np.delete(np.arange(1000), [736, 826])
    yield "ethanol CCSD(T)", _of("ccsd_t/cc-pvtz", *(ethanol[key] for key in "zREF")).select(distinct)
    with zipfile.ZipFile(data / "aspirin_ccsd.zip") as archive:
        for part in ("train", "test"):
            arrays = np.load(io.BytesIO(archive.read(f"aspirin_ccsd-{part}.npz")))
            yield f"aspirin CCSD {part}", _of("ccsd/cc-pvdz", *(arrays[key] for key in "zREF"))
    for molecule in ("ethanol", "aspirin"):
        arrays = np.load(data / f"{molecule}_rmd17.npz")
        for level, slug in (("pbe_svp", "pbe/def2-svp"), ("pbe_ts", "pbe+ts")):
            columns = (arrays["z"], arrays["R"], arrays[f"E_{level}"], arrays[f"F_{level}"])
            yield f"{molecule} {slug}", _of(slug, *columns)
    for name, slug in (("B3LYP_cc-pVDZ", "b3lyp/cc-pvdz"), ("mp2_avtz", "mp2/avtz"), ("ccsdt_avtz", "ccsd_t/avtz")):
        arrays = np.load(data / f"h2co_{name}_4001.npz")
        numbers = arrays["Z"][0] if arrays["Z"].ndim == 2 else arrays["Z"]
        yield f"formaldehyde {slug}", LabelSet(numbers, arrays["R"], arrays["E"].ravel(), arrays["F"], slug)


def _of(level: str, z: np.ndarray, R: np.ndarray, E: np.ndarray, F: np.ndarray) -> LabelSet:
    return LabelSet(z, R, E.ravel() * KCAL_PER_MOL_EV, F * KCAL_PER_MOL_EV, level)


def displaced(size_ang: float) -> Fault:
    """One coordinate moved."""

    def plant(of: Arrays) -> None:
        of.positions[of.row, of.atom(), of.rng.integers(3)] += size_ang

    return plant


def component(size_ev_ang: float) -> Fault:
    """One component of the forces set to a number."""

    def plant(of: Arrays) -> None:
        of.forces[of.row, of.atom(), of.rng.integers(3)] = size_ev_ang

    return plant


def scaled(factor: float) -> Fault:
    """Forces times a number."""

    def plant(of: Arrays) -> None:
        of.forces[of.row] *= factor

    return plant


def energy_off(by_ev: float) -> Fault:
    """A wrong energy."""

    def plant(of: Arrays) -> None:
        of.energy[of.row] += by_ev

    return plant


def net_force(share: float) -> Fault:
    """The same force added to every atom, of this share of the frame's forces."""

    def plant(of: Arrays) -> None:
        direction = of.rng.normal(size=3)
        size = share * np.sqrt(np.square(of.forces[of.row]).sum()) / of.forces.shape[1]
        of.forces[of.row] += size * direction / np.linalg.norm(direction)

    return plant


def swapped_atoms(of: Arrays) -> None:
    """Positions of two atoms exchanged, their forces not."""
    a, b = of.rng.choice(of.positions.shape[1], 2, replace=False)
    of.positions[of.row, [a, b]] = of.positions[of.row, [b, a]]


def zeroed_atom(of: Arrays) -> None:
    """The force of one atom set to zero, as constraints do."""
    of.forces[of.row, of.atom()] = 0.0


def exchanged_forces(of: Arrays) -> None:
    """The forces of two frames exchanged."""
    of.forces[[of.row, of.other]] = of.forces[[of.other, of.row]]


FAULTS: dict[str, Fault] = {
    "atom displaced by 1e100 Å": displaced(1e100),
    "atom displaced by 1,000 Å": displaced(1e3),
    "atom displaced by 10 Å": displaced(10.0),
    "one component 100 eV/Å": component(100.0),
    "one component 20 eV/Å": component(20.0),
    "forces of two frames exchanged": exchanged_forces,
    "forces negated": scaled(-1.0),
    "energy off by 20 eV": energy_off(20.0),
    "energy off by 5 eV": energy_off(-5.0),
    "two atoms exchanged": swapped_atoms,
    "forces times 120": scaled(120.0),
    "forces times 23": scaled(23.06),
    "net force of 50 % of all": net_force(0.5),
    "constrained atom": zeroed_atom,
}


def planted(fault: Fault, labels: LabelSet, rows: np.ndarray, rng: np.random.Generator) -> tuple[LabelSet, set[int]]:
    """A set with broken frames (twice as many where forces are exchanged), and the rows that are broken."""
    others = rng.choice(np.setdiff1d(np.arange(len(labels)), rows), len(rows), replace=False)
    arrays = Arrays(labels.positions.copy(), np.array(labels.energy), np.array(labels.forces), 0, 0, rng)
    for arrays.row, arrays.other in zip(rows.tolist(), others.tolist(), strict=True):
        fault(arrays)
    broken = replace(labels, positions=arrays.positions, energy=arrays.energy, forces=arrays.forces)
    return broken, set(rows.tolist()) | (set(others.tolist()) if fault is exchanged_forces else set())


class Done:
    """Lines that were measured before, each with its key, and a file to which new ones are appended."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: dict[str, str] = {}
        if path is not None and path.exists():
            self._lines = dict(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())

    def line(self, key: str, measure: Callable[[np.random.Generator], str]) -> None:
        """Print a line, measured with a seed of its own unless it is there."""
        if key not in self._lines:
            self._lines[key] = measure(np.random.default_rng(list(key.encode())))
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps([key, self._lines[key]]) + "\n")
        print(self._lines[key], flush=True)


def sound(name: str, whole: LabelSet) -> str:
    """Whether the set as it is has a frame that is refused."""
    started = time.process_time()
    found = broken_frames(whole)
    text = f"{name}: {len(whole)} frames, {time.process_time() - started:.1f} s; sound set: {len(found)} refused"
    return "\n".join([text, *(f"   FALSE: {frame}" for frame in found[:3])])


def share_found(name: str, fault: Fault, labels: LabelSet, frames: int, together: int, rng: np.random.Generator) -> str:
    """How many of the broken frames are refused with the right number."""
    right = wrong = 0
    for chosen in np.array_split(rng.permutation(len(labels))[:frames], frames // together):
        broken_set, rows = planted(fault, labels, chosen, rng)
        rows_found = {frame.row for frame in broken_frames(broken_set)}
        right += len(rows_found & set(chosen.tolist()))
        wrong += len(rows_found - rows)
    return f"   {name:32s} {100 * right / frames:6.1f} %   sound frames named: {wrong}"


def thinned(whole: LabelSet, thinnings: int, rng: np.random.Generator) -> str:
    """How many random parts of a sound set are refused."""
    false = 0
    for _ in range(thinnings):
        n = int(rng.choice([12, 20, 30, 60, 150, 300, 600]))
        false += bool(broken_frames(whole.select(np.sort(rng.permutation(len(whole))[:n]))))
    return f"   thinnings refused: {false} of {thinnings}"


def main() -> None:
    """Print a table of all sets and faults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--size", type=int, default=1000, help="frames of each set that are used")
    parser.add_argument("--together", type=int, default=10, help="broken frames in a set at a time")
    parser.add_argument("--thinnings", type=int, default=100)
    parser.add_argument("--only", default="")
    parser.add_argument("--done", type=Path)
    given = parser.parse_args()
    done = Done(given.done)
    for name, whole in real_sets(given.data):
        if given.only in name:
            judge(name, whole, given, done)


def judge(name: str, whole: LabelSet, given: argparse.Namespace, done: Done) -> None:
    """Print the lines of one set."""
    done.line(f"{name}|sound", lambda _: sound(name, whole))
    labels = whole.select(np.sort(np.random.default_rng(0).permutation(len(whole))[: given.size]))
    for fault_name, fault in FAULTS.items():
        measure = partial(share_found, fault_name, fault, labels, given.frames, given.together)
        done.line(f"{name}|{fault_name}|{given.frames}", measure)
    done.line(f"{name}|thinnings|{given.thinnings}", partial(thinned, whole, given.thinnings))


if __name__ == "__main__":
    main()
