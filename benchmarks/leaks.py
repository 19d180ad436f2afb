"""Find the frames that the CCSD(T) sets of ethanol and aspirin share with revised MD17, and compare their forces.

Usage: python benchmarks/leaks.py FOLDER
"""

from __future__ import annotations

import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from asteroid.checks.guards import drop_duplicates
from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.labels.label_set import LabelSet
from asteroid.labels.matching import match_geometries, matched_force_mae, superpose
from asteroid.units import KCAL_PER_MOL_EV

WHAT_TO_DOWNLOAD = """Put into one folder and name it: python benchmarks/leaks.py FOLDER
  ethanol_ccsd_t.zip and aspirin_ccsd.zip, from https://www.sgdml.org (datasets)
  the files rmd17_ethanol_*.npz and rmd17_aspirin_*.npz, from https://github.com/andersx/rmd17-npz (CC0)
The ten train and test files of a molecule there hold 9,633 distinct frames, of which 23 (ethanol, against the
CCSD(T) training file) and 62 (aspirin, against the CCSD training and test files) carry an accurate label as well."""


@dataclass(frozen=True)
class Case:
    """One molecule: its accurate and cheap sets and the number of frames they are known to share."""

    molecule: str
    accurate_level: str
    accurate_parts: tuple[str, ...]
    shared: int


CASES = (
    Case("ethanol", "ccsd_t/cc-pvtz", ("ethanol_ccsd_t-train.npz",), 23),
    Case("aspirin", "ccsd/cc-pvdz", ("aspirin_ccsd-train.npz", "aspirin_ccsd-test.npz"), 62),
)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(WHAT_TO_DOWNLOAD)
        return 2
    folder = Path(arguments[0])
    try:
        found_all = [compare(case, folder) for case in CASES]
    except InputError as error:
        print(error)
        print(WHAT_TO_DOWNLOAD)
        return 2
    return 0 if all(found_all) else 1


def compare(case: Case, folder: Path) -> bool:
    accurate = _accurate(case, folder)
    found_all = True
    for cheap in _cheap_levels(case, folder):
        start = time.perf_counter()
        pairs = match_geometries(accurate, cheap)
        seconds = time.perf_counter() - start
        found = len(np.unique(pairs[1]))
        found_all &= found == case.shared
        laid = superpose(accurate, cheap, pairs)
        assert accurate.forces is not None
        assert cheap.forces is not None
        unaligned = np.abs(accurate.forces[pairs[0]] - cheap.forces[pairs[1]]).mean() / KCAL_PER_MOL_EV
        aligned = matched_force_mae(accurate, cheap, pairs) / KCAL_PER_MOL_EV
        print(
            f"{case.molecule}: {found} of {case.shared} shared frames found ({len(accurate):,} {accurate.level} "
            f"against {len(cheap):,} {cheap.level}) in {seconds:.2f} s; largest RMSD superposed "
            f"{laid.rmsd_ang.max():.1e} Å, {laid.mirrored.sum()} mirrored; force MAE {aligned:.2f} kcal/mol/Å aligned, "
            f"{unaligned:.2f} as stored"
        )
    return found_all


def _accurate(case: Case, folder: Path) -> LabelSet:
    """Read the accurate set, out of npz files or the zip archives that they are published in."""
    archives = sorted(folder.glob(f"{case.molecule}_ccsd*.zip"))
    with tempfile.TemporaryDirectory() as unpacked:
        for archive in archives:
            with zipfile.ZipFile(archive) as content:
                for part in set(case.accurate_parts) & set(content.namelist()):
                    content.extract(part, unpacked)
        parts = []
        for name in case.accurate_parts:
            path = Path(unpacked, name)
            parts.append(
                read_labels(path if path.exists() else folder / name, Declaration(level=case.accurate_level)).labels
            )
    return _joined(parts)


def _cheap_levels(case: Case, folder: Path) -> list[LabelSet]:
    """Read the cheap sets: the published train and test files, or one file with both levels of the same frames."""
    merged = folder / f"{case.molecule}_rmd17.npz"
    if merged.exists():
        units = Declaration(energy_unit="kcal/mol", length_unit="Angstrom")
        keys = (("pbe/def2-svp", "pbe_svp"), ("pbe+ts", "pbe_ts"))
        return [
            read_labels(merged, replace(units, level=level, energy_key=f"E_{key}", forces_key=f"F_{key}")).labels
            for level, key in keys
        ]
    parts = [
        read_labels(p, Declaration(level="pbe/def2-svp")).labels
        for p in sorted(folder.glob(f"rmd17_{case.molecule}*.npz"))
    ]
    if not parts:
        raise InputError(f"revised MD17 of {case.molecule} must be in {str(folder)!r}, found no file: download it")
    return [drop_duplicates(_joined(parts))[0]]


def _joined(parts: list[LabelSet]) -> LabelSet:
    energies = [part.energy for part in parts if part.energy is not None]
    forces = [part.forces for part in parts if part.forces is not None]
    return LabelSet(
        numbers=parts[0].numbers,
        positions=np.concatenate([part.positions for part in parts]),
        energy=np.concatenate(energies),
        forces=np.concatenate(forces),
        level=parts[0].level,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
