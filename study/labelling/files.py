"""Geometries to label from a file, and finished labels into one, with a card that states level, units and prices."""

from __future__ import annotations

import csv
import io
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.formats import format_to_write
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.io.sidecar import sidecar_path
from asteroid.io.write import write_labels
from asteroid.labelling.levels import parse_level
from asteroid.labels.label_set import LabelSet
from asteroid.labels.selection_rule import KEY
from study.files import write_json, write_text
from study.labelling.work_folder import work_folder
from study.run.hardware import processor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from asteroid.labelling.labeller import Failure, Method
    from asteroid.labels.label_set import FloatArray, IntArray

_UNITS = {"R": "Angstrom", "E": "eV", "F": "eV/Angstrom", "cpu_s": "CPU s, one thread"}
_NO_LEVEL = "unlabelled"
_PROGRAMS = {"force field": "rdkit", "xtb": "tblite", "wave function": "pyscf"}


def read_frames(path: Path, *, length_unit: str | None = None, group_key: str | None = None) -> LabelSet:
    """Read geometries; labels that the file may have are left aside.

    Files of this project keep their groups and frame numbers, so that labels of several levels for the same frames stay
    paired.

    Args:
        path: .npz, .xyz, .extxyz or what else `asteroid.io.geometries` reads.
        length_unit: of an npz file that does not say it.
        group_key: key of the groups in a file of somebody else's.

    Raises:
        InputError: as `asteroid.io.geometries.read_geometries`, or a number is not finite.
    """
    frames = None
    if length_unit is None and group_key is None:
        frames = _own_frames(path)
    if frames is None:
        frames = read_geometries(path, Declaration(level=_NO_LEVEL, length_unit=length_unit, group_key=group_key))
    broken = np.flatnonzero(~np.isfinite(frames.positions).all(axis=(1, 2)))
    if len(broken):
        raise InputError(
            f"positions of {path.name} must be finite, found NaN or infinity in frame {broken[0]}: remove it"
        )
    return frames


def _own_frames(path: Path) -> LabelSet | None:
    """Frames of a file whose labels can be read without a word from the user; None for any other file."""
    for level in (None, _NO_LEVEL):
        try:
            labels = read_labels(path, Declaration(level=level)).labels
        except InputError:  # read_geometries will say what is wrong, if anything is
            continue
        return LabelSet(
            labels.numbers,
            labels.positions,
            None,
            None,
            _NO_LEVEL,
            frame_id=labels.frame_id,
            group=labels.group,
        )
    return None


def read_molecule(path: Path) -> tuple[IntArray, FloatArray]:
    """Atomic numbers [A] and the first geometry [A, 3] in Å of a file.

    Raises:
        InputError: as `read_frames`, or two atoms are in one place.
    """
    frames = read_frames(path)
    start = frames.positions[0]
    distance = np.linalg.norm(start[:, None] - start[None], axis=2) + np.eye(len(start)) * 99
    if len(start) and distance.min() < 0.3:
        i, j = np.unravel_index(distance.argmin(), distance.shape)
        raise InputError(
            f"atoms of {path.name} must lie apart, found {distance.min():.2f} Å between atoms {i} and {j}: check the "
            "unit of length (Å) and the geometry"
        )
    return frames.numbers, start


def check_output(path: Path) -> None:
    """Refuse an output file that cannot be written, before anything is computed.

    Raises:
        InputError: another ending than .npz, .xyz or .extxyz, or a folder in the way.
    """
    format_to_write(path)
    if path.is_dir():
        raise InputError(f"--out must be a file, found the folder {path}: choose another name")
    if path.parent.exists() and not path.parent.is_dir():
        raise InputError(f"--out lies in a folder, found the file {path.parent}: choose another name")


def write_output(path: Path, labels: LabelSet, card: Mapping[str, Any]) -> None:
    """Write labels, and their card as `<stem>.meta.json` beside them; each file complete or not at all.

    Args:
        path: a name ending in .npz, .xyz or .extxyz; its work folder exists.
        labels: energies and forces of one level.
        card: what the card says beside level and units; `selection_rule` goes into the labels as well.
    """
    finished = work_folder(path) / path.name  # where no card of earlier labels lies beside it
    write_labels(labels, finished, selection_rule=card.get(KEY))
    write_json(sidecar_path(path), {"level": labels.level, "units": _UNITS, **card})
    finished.replace(path)


def write_failures(path: Path, failures: Sequence[tuple[int, Failure]]) -> Path:
    """Write `<stem>.failures.csv` beside labels: frame, reason, CPU seconds; none is left where nothing failed."""
    target = path.with_name(f"{path.stem}.failures.csv")
    if not failures:
        target.unlink(missing_ok=True)
        return target
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["frame_id", "reason", "cpu_s"])
    table.writerows([frame_id, failure.reason, f"{failure.cpu_s:.6g}"] for frame_id, failure in failures)
    write_text(target, text.getvalue())
    return target


def method_card(method: Method) -> dict[str, Any]:
    """How labels were computed, for the card: program with version, charge, machine."""
    card: dict[str, Any] = {"charge": method.charge, "unpaired_electrons": method.unpaired}
    if method.calculator is not None:
        card["code"] = method.calculator
    else:
        level = parse_level(method.level)
        program = _PROGRAMS[level.family]
        card |= {"code": program, f"{program}_version": metadata.version(program)}
        if level.family != "force field":
            card["max_cycle"] = method.max_cycle
        if level.family == "wave function":
            card |= _wave_function_card(level.method)
    card["ase_version"] = metadata.version("ase")
    return card | {
        "machine": f"{processor()}, one thread",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _wave_function_card(method: str) -> dict[str, Any]:
    from asteroid.labelling.pyscf_labeller import CC_NORM_TOL, CC_TOL, GRID_LEVEL, LAMBDA_TOL, SCF_TOL

    card: dict[str, Any] = {"scf_tol": SCF_TOL, "density_fitting": method == "pbe"}
    if method in ("pbe", "b3lyp"):
        card["grid_level"] = GRID_LEVEL
    if method in ("mp2", "ccsd", "ccsd_t"):
        card["frozen_core"] = True
    if method in ("ccsd", "ccsd_t"):
        card |= {"cc_tol": CC_TOL, "cc_norm_tol": CC_NORM_TOL, "lambda_tol": LAMBDA_TOL}
    return card
