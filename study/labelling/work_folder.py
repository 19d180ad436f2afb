"""The work folder beside an output file: what is finished of it, whose settings it belongs to, who is using it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Label
from study.files import locked, read_json, read_record, write_json, write_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from asteroid.labelling.labeller import Method

_JOB = "job.json"


def work_folder(out: Path) -> Path:
    """Folder of the unfinished work of an output file: labels.npz has labels.work beside it."""
    return out.with_name(f"{out.stem}.work")


def method_settings(method: Method) -> dict[str, Any]:
    """What finished work depends on of its method, as plain data: all but the folder of a calculator's module.

    Energies alone are named where they are wanted only: folders of earlier versions know nothing of them.
    """
    plain = asdict(method)
    for name in ("calculator_folder", *(() if method.energies_alone else ("energies_alone",))):
        del plain[name]
    return plain


@contextmanager
def claimed_work(folder: Path, settings: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Hold a work folder for one process; what is finished in it must have been made with the same settings.

    Args:
        folder: made where it does not exist.
        settings: plain data, everything that a finished piece depends on.
        before: settings of folders that do not state them, because they were begun before there was a choice.

    Raises:
        InputError: another process holds it, it holds something else, or its settings differ; the first difference is
            named.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        found = "link" if folder.is_symlink() else "file"
        raise InputError(f"finished work is kept in a folder, found the {found} {folder}: choose another --out")
    job = folder / _JOB
    if folder.exists() and not job.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise InputError(f"finished work is kept in {folder}, found other files there: choose another --out")
    with locked(folder):
        if job.exists():
            _refuse_other_job(folder, _read(job), dict(settings), before or {})
        else:
            write_json(job, dict(settings))
        yield


def _refuse_other_job(folder: Path, stored: Any, wanted: dict[str, Any], before: Mapping[str, Any]) -> None:
    stored = {**before, **stored}
    for key in {**stored, **wanted}:
        if stored.get(key) != wanted.get(key):
            raise InputError(
                f"{folder} was begun with another {key.replace('_', ' ')} ({stored.get(key)}, now {wanted.get(key)}): "
                "choose another --out, or restore it to go on"
            )


def write_outcome(folder: Path, key: str, outcome: Label | Failure) -> None:
    """Keep a finished label or failure, complete or not at all.

    Args:
        folder: a work folder.
        key: the geometry's hash.
        outcome: what became of it.
    """
    data: dict[str, Any] = {"cpu_s": outcome.cpu_s}
    if isinstance(outcome, Failure):
        data["failure"] = outcome.reason
    else:
        forces = None if outcome.forces_ev_ang is None else outcome.forces_ev_ang.tolist()
        data |= {"energy_ev": outcome.energy_ev, "forces_ev_ang": forces}
    write_record(folder / f"{key}.json", data)


def read_outcome(folder: Path, key: str) -> Label | Failure | None:
    """What `write_outcome` wrote, or None where nothing is finished (or a crash of the machine left half of it)."""
    try:
        data, intact = read_record(folder / f"{key}.json", "")
        if not intact:
            return None  # altered since: it is computed again
        if "failure" in data:
            return Failure(str(data["failure"]), float(data["cpu_s"]))
        forces = None if data["forces_ev_ang"] is None else np.array(data["forces_ev_ang"], dtype=np.float64)
        return Label(float(data["energy_ev"]), forces, float(data["cpu_s"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path, "")
    except (FileNotFoundError, ValueError):
        return {}
