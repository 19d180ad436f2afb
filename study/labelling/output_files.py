"""Finished labels into a file, with a sidecar that states level, units and prices."""

from __future__ import annotations

import csv
import io
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.formats import format_to_write
from asteroid.io.sidecar import sidecar_path
from asteroid.io.write import write_labels
from asteroid.labelling.levels import parse_parts
from asteroid.labels.selection_rule import KEY
from study.files import write_json, write_text
from study.labelling.work_folder import work_folder
from study.run.hardware import processor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from asteroid.labelling.labeller import Failure, Method
    from asteroid.labels.label_set import LabelSet

_UNITS = {"R": "Angstrom", "E": "eV", "F": "eV/Angstrom", "cpu_s": "CPU s, one thread"}


def check_output(path: Path) -> None:
    """Refuse an output file that cannot be written, before anything is computed.

    Raises:
        InputError: no format is written to such a name, or a folder in the way.
    """
    format_to_write(path)
    if path.is_dir():
        raise InputError(f"--out must be a file, found the folder {path}: choose another name")
    if path.parent.exists() and not path.parent.is_dir():
        raise InputError(f"--out lies in a folder, found the file {path.parent}: choose another name")


def write_output(path: Path, labels: LabelSet, sidecar: Mapping[str, Any]) -> None:
    """Write labels, and their sidecar `<stem>.meta.json` beside them; each file complete or not at all.

    Args:
        path: a name that `check_output` lets pass; its work folder exists.
        labels: energies and forces of one level.
        sidecar: what it says beside level and units; `selection_rule` goes into the labels as well.
    """
    finished = work_folder(path) / path.name  # where no sidecar of earlier labels lies beside it
    write_labels(labels, finished, selection_rule=sidecar.get(KEY))
    write_json(sidecar_path(path), {"level": labels.level, "units": _UNITS, **sidecar})
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
    """How labels were computed, for the sidecar: program with version, charge, machine."""
    card: dict[str, Any] = {"charge": method.charge, "unpaired_electrons": method.unpaired}
    if method.calculator is not None:
        card["code"] = method.calculator
    else:
        levels = [part.level for part in parse_parts(method.level)]
        card["code"] = ", ".join(dict.fromkeys(level.program.module for level in levels))
        card |= {f"{level.program.module}_version": metadata.version(level.program.module) for level in levels}
        settings = {level.slug: level.program.settings(method, level) for level in levels}
        card |= settings[levels[0].slug] if len(levels) == 1 else {"parts": settings}
    card["ase_version"] = metadata.version("ase")
    return card | {
        "machine": f"{processor()}, one thread",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
