"""Files of several molecules in every layout that is read, and what they are refused with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.labels.label_set import LabelSet, content_hashes
from asteroid.labels.molecules import pad
from asteroid.labels.total_energy import all_electron_energy_ev
from asteroid.units import ENERGY_IN_EV

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    #: Writes frames to a file in the folder and returns its path.
    Writer = Callable[[LabelSet, Path], Path]


FIELDS = ("numbers", "positions", "energy", "forces", "cpu_s", "frame_id", "group")
LABELS = ("numbers", "positions", "energy", "forces")
UNITS = {"energy_unit": "eV", "length_unit": "Angstrom"}
WATER, TURNED, FORMALDEHYDE, METHANE, HELIUM = (8, 1, 1), (1, 8, 1), (6, 8, 1, 1), (6, 1, 1, 1, 1), (2,)


def varied(
    order: Sequence[tuple[int, ...]] = (WATER, HELIUM, WATER, METHANE, FORMALDEHYDE),
    seed: int = 0,
    *,
    scale: float = 1.0,
    group: bool = True,
    cpu_s: bool = True,
) -> LabelSet:
    """Random labels of the given atoms, with total energies."""
    rng = np.random.default_rng(seed)
    n = len(order)
    return LabelSet(
        pad([np.array(numbers) for numbers in order]),
        pad([scale * rng.normal(size=(len(numbers), 3)) for numbers in order]),
        np.array([all_electron_energy_ev(np.array(numbers)) for numbers in order]) + rng.normal(size=n),
        pad([scale * rng.normal(size=(len(numbers), 3)) for numbers in order]),
        "wb97x-d3_6-31g_d_/def2-tzvp+",
        cpu_s=rng.random(n) if cpu_s else None,
        frame_id=rng.permutation(1000)[:n],
        group=rng.integers(-3, 3, size=n) if group else None,
    )


def check_same(found: LabelSet, wanted: LabelSet, fields: tuple[str, ...] = FIELDS) -> None:
    for field in fields:
        np.testing.assert_array_equal(getattr(found, field), getattr(wanted, field), err_msg=field)
    assert content_hashes(found) == content_hashes(wanted)


def as_npz(labels: LabelSet, folder: Path, **changes: Any) -> Path:
    """Padded rows, with nothing said about units and level."""
    arrays = {name: getattr(labels, field) for name, field in zip("zREF", LABELS, strict=True)} | changes
    np.savez(folder / "padded.npz", **arrays)
    return folder / "padded.npz"


def as_flattened(labels: LabelSet, folder: Path, **changes: Any) -> Path:
    """The layout of the reference code, one row per atom."""
    parts = [(labels.select([i]), int(size)) for i, size in enumerate(labels.n_atoms)]
    rows = np.broadcast_to(labels.numbers, labels.positions.shape[:2])
    arrays: dict[str, Any] = {
        "Z": np.concatenate([row[row > 0] for row in rows]),
        "R": np.concatenate([part.positions[0, :size] for part, size in parts]),
        "F": np.concatenate([part.forces[0, :size] for part, size in parts if part.forces is not None]),
        "N": labels.n_atoms,
        "E": labels.energy,
        "id": labels.frame_id,
    }
    np.savez(folder / "flat.npz", **arrays | changes)
    return folder / "flat.npz"


def frames_of_ase(labels: LabelSet) -> list[ase.Atoms]:
    assert labels.energy is not None
    assert labels.forces is not None
    out = []
    for i, size in enumerate(labels.n_atoms):
        atoms = ase.Atoms(numbers=labels.numbers[i, :size], positions=labels.positions[i, :size])
        results = {"energy": labels.energy[i], "forces": labels.forces[i, :size]}
        atoms.calc = SinglePointCalculator(atoms, **results)
        out.append(atoms)
    return out


def as_ase(name: str) -> Writer:
    def write(labels: LabelSet, folder: Path) -> Path:
        ase.io.write(folder / name, frames_of_ase(labels))
        return folder / name

    return write


FOREIGN: dict[str, Writer] = {
    "padded": as_npz,
    "flattened": as_flattened,
    **{name: as_ase(f"labels.{name}") for name in ("traj", "db", "json")},
}
#: Text of eight decimals reads back to other numbers.
WRITERS = {**FOREIGN, "extxyz": as_ase("labels.extxyz")}


def declared(path: Path, **options: Any) -> Declaration:
    """A level, and the units of formats that do not fix them."""
    return Declaration(**{"level": "pbe", **(UNITS if path.suffix == ".npz" else {}), **options})


def refused(path: Path, *, several: bool = True, **options: Any) -> str:
    """The message for a file that cannot be read."""
    with pytest.raises(InputError) as caught:
        read_labels(path, declared(path, **options), several=several)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def sgdml(labels: LabelSet, folder: Path, unit: str, **changes: Any) -> Path:
    """The keys of sGDML's data sets, whose custom is kcal/mol where energies are total energies."""
    assert labels.energy is not None
    marks = {"type": np.array("d"), "md5": np.array("0"), "theory": np.array("unknown")}
    return as_npz(labels, folder, **{**marks, "E": labels.energy / ENERGY_IN_EV[unit], **changes})


#: The median energy, between two molecules, is the total energy of neither.
HALVES = [HELIUM, METHANE] * 3
