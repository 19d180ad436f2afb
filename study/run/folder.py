"""The run folder: whose it is, who is using it, where its finished stages lie, and whether they fit on the disk."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from asteroid.errors import InputError
from asteroid.plain_text import one_line
from study.config.strict_yaml import load_yaml
from study.config.sweep import Sweep
from study.config.sweep_text import sweep_yaml
from study.files import locked, read_json, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from study.devices import DeviceClass


def sweep_path(folder: Path) -> Path:
    """The run's own copy of its sweep, defaults included."""
    return folder / "sweep.yaml"


def scratch_path(folder: Path) -> Path:
    """Where the executor of a run may write files that nobody needs after it."""
    return folder / "scratch"


#: Folder of the finished stages of a run that shares none.
OWN_STORE = "store"


#: Keys of a sweep to which values may be added while everything that is finished keeps its meaning.
_GROWING = ("strategies", "budgets", "n_cheap", "gamma_rel", "seeds", "finetune")


def check_folder(folder: Path, sweep: Sweep, *, extend: bool = False) -> None:
    """Refuse a folder that another sweep made, or that holds something else.

    Args:
        folder: the run folder.
        sweep: the sweep that is to run there.
        extend: allow a sweep that only adds budgets, seeds and the like to the folder's own.

    Raises:
        InputError: the first difference is named.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out must be a folder, found the file {folder}: choose another name")
    own = sweep_path(folder)
    kept = read_record(folder).get("sweep")
    if not own.exists() and isinstance(kept, dict):
        return _refuse_other(folder, sweep, kept, extend=extend)
    if not own.exists():
        if folder.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise InputError(f"--out must be new or a run folder, found other files in {folder}: choose another folder")
        return None
    remedy = "choose another --out"
    if isinstance(kept, dict):
        remedy = f"remove it and repeat the command, {folder / 'manifest.json'} has the settings as well"
    try:
        theirs = load_yaml(own.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
        raise InputError(f"{own} is not readable ({one_line(str(error), 120)}): {remedy}") from error
    if not theirs:
        raise InputError(f"{own} is empty, as a power cut may leave it: {remedy}")
    return _refuse_other(folder, sweep, theirs, extend=extend)


def _refuse_other(folder: Path, sweep: Sweep, theirs: Any, *, extend: bool) -> None:
    """Refuse the folder of another sweep; theirs is that sweep as plain data."""
    ours = yaml.safe_load(sweep_yaml(sweep))
    with suppress(ValidationError):  # an older release left out the keys that came later: they say what they do unsaid
        theirs = yaml.safe_load(sweep_yaml(Sweep.model_validate(theirs)))
    difference = first_difference(ours, theirs, "")
    if not difference:
        return
    grown = _only_adds(ours, theirs)
    if not (grown and extend):
        remedy = "add --extend, or choose another --out" if grown else "choose another --out or restore the sweep"
        raise InputError(f"{folder} was made by another sweep ({difference}): {remedy}")


def check_device(folder: Path, device: DeviceClass) -> None:
    """Refuse to go on with a run elsewhere than where it began: its stages would be others.

    Raises:
        InputError: the run was trained on another class of device.
    """
    record = read_record(folder)
    began_on = record.get("device", "cpu")
    if record:
        refuse_other_device(folder, began_on, device)


def refuse_other_device(folder: Path, began_on: str, device: DeviceClass) -> None:
    """Refuse to train elsewhere than where the training began.

    Raises:
        InputError: it began on another class of device.
    """
    if began_on != device:
        raise InputError(
            f"{folder} was trained on {began_on}, found --device {device}: add --device {began_on}, or "
            "choose another --out"
        )


def store_of(folder: Path, store: Path | None) -> Path:
    """Where a run keeps its finished stages: in the store that it shares with other runs, or in a folder of its own.

    Args:
        folder: the run folder.
        store: the shared store, or None.

    Raises:
        InputError: the run keeps them elsewhere, or the shared store holds something else.
    """
    root = folder / OWN_STORE if store is None else store
    record = read_record(folder)
    kept = folder / str(record.get("store", OWN_STORE))
    if record and kept.resolve() != root.resolve():
        found = "no --store" if store is None else f"--store {store}"
        if kept == folder / OWN_STORE:
            raise InputError(f"{folder} keeps its finished stages in its own folder, found {found}: leave --store out")
        raise InputError(f"{folder} keeps its finished stages in {kept}, found {found}: add --store {kept}")
    if root.resolve() == folder.resolve():
        raise InputError(f"--store must be a folder of its own, found the run folder {folder}: choose another one")
    if store is not None:
        check_store(store)
    return root


def check_store(root: Path) -> None:
    """Refuse a folder that is no store of finished stages.

    Raises:
        InputError: it is a file, or holds something else.
    """
    if root.exists() and not root.is_dir():
        raise InputError(f"--store must be a folder, found the file {root}: choose another name")
    other = [e.name for e in root.glob("[!.]*") if not re.fullmatch("[0-9a-f]{32}", e.name)]
    if other:
        raise InputError(
            f"--store must be new or hold finished stages only, found {min(other)} in {root}: choose another folder (a "
            f"run without --store keeps its own in RUN/{OWN_STORE})"
        )


def read_record(folder: Path) -> dict[str, Any]:
    """What an earlier session of the run wrote into its manifest; empty where there is none that can be read."""
    try:
        return read_json(folder / "manifest.json", "")
    except (OSError, InputError):
        return {}


def check_disk_space(folder: Path, needed_bytes: int) -> None:
    """Refuse to start where the disk is too small for the run.

    Raises:
        InputError: too little is free.
    """
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed_bytes:
        raise InputError(
            f"the run needs about {needed_bytes / 2**20:.0f} MiB on disk, {existing} has {free / 2**20:.0f} MiB free: "
            "free some space or choose another place"
        )


@contextmanager
def claimed(folder: Path, sweep: Sweep, *, extend: bool = False) -> Iterator[None]:
    """Hold the folder for one driver; writes `sweep.yaml` on the first claim and where the sweep may have grown.

    Scratch files of a driver that was killed are removed: it would hold the folder if it lived.

    Raises:
        InputError: another live driver holds it, or the file system has no locks.
    """
    with locked(folder):
        check_folder(folder, sweep, extend=extend)  # again: another first driver may have been faster
        if extend or not sweep_path(folder).exists():
            write_text(sweep_path(folder), sweep_yaml(sweep))
        shutil.rmtree(scratch_path(folder), ignore_errors=True)
        yield


def _only_adds(ours: dict[str, Any], theirs: Any) -> bool:
    """Whether our sweep is theirs with more values under the growing keys."""
    if not isinstance(theirs, dict):
        return False
    rest = [{key: value for key, value in sweep.items() if key not in _GROWING} for sweep in (ours, theirs)]
    try:
        kept = all(value in ours["finetune"].items() for value in theirs["finetune"].items()) and all(
            _has_all(ours[key], theirs[key]) for key in _GROWING if key != "finetune"
        )
    except (KeyError, TypeError, AttributeError):
        return False
    return kept and rest[0] == rest[1]


def _has_all(ours: Any, theirs: Any) -> bool:
    """Whether all values are there; of numbers by level, at each level."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(_has_all(ours.get(level, ()), own) for level, own in theirs.items())
    return not isinstance(ours, dict) and all(value in ours for value in theirs)


def first_difference(ours: Any, theirs: Any, where: str) -> str | None:
    """Name the first difference of two sweeps as plain data; None where there is none."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in {**theirs, **ours}:
            inner = f"{where}.{key}" if where else str(key)
            if key not in ours or key not in theirs:
                return f"{inner} is only in {'the new' if key in ours else 'its'} sweep"
            found = first_difference(ours[key], theirs[key], inner)
            if found:
                return found
        return None
    return None if ours == theirs else f"{where}: it has {theirs}, the new sweep {ours}"
