"""MD17 by name, through PyTorch Geometric: "md17:revised ethanol", "md17:ethanol CCSD(T)", "md17:aspirin CCSD train".

Names, addresses and folders are those of `torch_geometric.datasets.MD17`; the raw files are read here. The class
itself stores energies in single precision, which leaves steps of .03 kcal/mol at aspirin's -407,000 kcal/mol, and makes
one object per frame.
"""

from __future__ import annotations

import difflib
import http.client
import io
import os
import shutil
import socket
import tarfile
import tempfile
import warnings
import zipfile
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.file_units import FileGeometries, FileLabels, named_units
from asteroid.io.label_format import LabelFormat
from asteroid.io.npz import read_npz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asteroid.io.declaration import Declaration

PREFIX = "md17:"
_SPLITS = ("train", "test")
_TIMEOUT_S = 30.0
_BROKEN = (OSError, http.client.HTTPException, zipfile.BadZipFile, tarfile.TarError, EOFError)

#: Levels of the sets: Chmiela et al., Nat. Commun. 9, 3887 (2018) for coupled cluster; Christensen and von Lilienfeld,
#: Mach. Learn.: Sci. Technol. 1, 045018 (2020) for the revised sets; PBE with Tkatchenko-Scheffler dispersion else.
_LEVELS = {
    "benzene CCSD(T)": "ccsd_t/cc-pvdz",
    "aspirin CCSD": "ccsd/cc-pvdz",
    "malonaldehyde CCSD(T)": "ccsd_t/cc-pvdz",
    "ethanol CCSD(T)": "ccsd_t/cc-pvtz",
    "toluene CCSD(T)": "ccsd_t/cc-pvdz",
}


@dataclass(frozen=True)
class _Set:
    """One data set: its name, the official part that is wanted ("" for all) and PyG's object for paths."""

    name: str
    part: str
    paths: Any

    @property
    def level(self) -> str:
        return _LEVELS.get(self.name, "pbe/def2-svp" if self.paths.revised else "pbe+ts")


def is_md17(path: str | Path) -> bool:
    """Whether a label file is a name of MD17 instead of a path."""
    return str(path).startswith(PREFIX)


def default_data_folder() -> Path:
    """Where sets are kept unless the caller names a folder: in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path("~/.cache").expanduser()) / "asteroid-study" / "md17"


def _read(path: Path, declared: Declaration) -> FileLabels:
    """Labels of a set in kcal/mol and Å, after downloading it where it is not yet on this machine.

    Sets with official parts may be followed by "train" or "test", and come with both as groups 0 and 1 otherwise,
    unless a key of groups is declared.

    Raises:
        InputError: no such set, or it is neither here nor can it be downloaded.
    """
    name = str(path)
    root = (declared.data_folder or default_data_folder()).expanduser()
    wanted = _set_named(name, root)
    files = [Path(file) for file in wanted.paths.raw_paths]
    if wanted.part:
        files = [file for file in files if file.stem.endswith(f"-{wanted.part}")]
    if any(_found(wanted, file) is None for file in files):
        _download(wanted, root)
    parts = []
    for file in files:
        with _opened(wanted, file) as stream:
            parts.append(read_npz(stream, file.name, None, declared))
    # The class documents these units for every set; what a file says of itself goes first.
    units = named_units("kcal/mol", "Angstrom", None, "declared by the class MD17 of PyTorch Geometric")
    parts = [replace(part, declared=part.declared or units) for part in parts]
    whole = parts[0] if len(parts) == 1 else _joined(parts, with_groups=declared.group_key is None)
    return replace(whole, usual_level=wanted.level)


def _read_geometries(path: Path, declared: Declaration) -> FileGeometries:
    labels = _read(path, replace(declared, energy_key=None, forces_key=None))
    assert labels.declared is not None
    return FileGeometries(labels.numbers, labels.positions, labels.declared.length, labels.group)


def md17_class() -> Any:
    """PyTorch Geometric's `MD17`, imported when asked for: that takes seconds."""
    with warnings.catch_warnings():
        # Its modules use torch.jit.script, which recent PyTorch announces to be going away.
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        from torch_geometric.datasets.md17 import MD17
    return MD17


def _set_named(name: str, root: Path) -> _Set:
    known = {known.lower(): known for known in md17_class().file_names}
    text = " ".join(name.removeprefix(PREFIX).split()).lower()
    body, _, last = text.rpartition(" ")
    key, part = (body, last) if last in _SPLITS and body in known else (text, "")
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
        raise InputError(
            f"MD17 has no set {name.removeprefix(PREFIX).strip()!r}: did you mean '{PREFIX}{known[near[0]]}'? (sets: "
            f"{', '.join(known.values())})"
        )
    paths = _paths(known[key], root)
    if part and not paths.ccsd:
        raise InputError(f"{PREFIX}{known[key]} has no official parts, found {part!r}: leave it out")
    return _Set(known[key], part, paths)


def _paths(name: str, root: Path) -> Any:
    """PyG's object for the paths and the download alone: its constructor would process the files."""
    published = md17_class()
    dataset = published.__new__(published)
    dataset.root, dataset.name = str(root), name
    dataset.revised, dataset.ccsd = "revised" in name, "CCSD" in name
    return dataset


def _found(wanted: _Set, path: Path) -> tuple[Path, str] | None:
    """Where a raw file is: (the file or archive, the member of the archive or "")."""
    archive = wanted.paths.file_names[wanted.name]
    for folder in (path.parent, Path(wanted.paths.raw_dir), Path(wanted.paths.root)):
        if (folder / path.name).is_file():
            return folder / path.name, ""
        if archive.endswith(".zip") and (folder / archive).is_file():
            return folder / archive, path.name
    return None


@contextmanager
def _opened(wanted: _Set, path: Path) -> Iterator[IO[bytes]]:
    found = _found(wanted, path)
    if found is None:
        raise InputError(f"{PREFIX}{wanted.name} needs {path.name}, which its archive lacks: fetch it again")
    place, member = found
    if not member:
        with place.open("rb") as file:
            yield file
        return
    try:
        with zipfile.ZipFile(place) as archive:
            content = archive.read(member)
    except (KeyError, *_BROKEN) as error:
        raise InputError(
            f"{place} must be the archive of {PREFIX}{wanted.name} with {member}, cannot be read "
            f"({' '.join(str(error).split())}): fetch it again"
        ) from error
    yield io.BytesIO(content)


def _download(wanted: _Set, root: Path) -> None:
    """Download into a folder of its own and move what is complete: a cut-off download leaves nothing behind."""
    file, raw = wanted.paths.file_names[wanted.name], Path(wanted.paths.raw_dir)
    address = wanted.paths.revised_url if wanted.paths.revised else f"{wanted.paths.gdml_url}/{file}"
    waited = socket.getdefaulttimeout()
    staging = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".download-", dir=root))
        copy = _paths(wanted.name, staging)
        socket.setdefaulttimeout(_TIMEOUT_S)
        with redirect_stderr(io.StringIO()):  # the class prints addresses
            copy.download()
        for source, target in zip(copy.raw_paths, wanted.paths.raw_paths, strict=True):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(source).replace(target)
        if wanted.paths.revised:  # one archive holds all molecules
            for other in Path(copy.raw_paths[0]).parent.glob("*.npz"):
                other.replace(Path(wanted.paths.raw_paths[0]).with_name(other.name))
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{PREFIX}{wanted.name} is not in {str(raw)!r} and cannot be downloaded ({reason}): put {file} there "
            f"(from {address}) or name the folder that has it as data_folder"
        ) from error
    finally:
        socket.setdefaulttimeout(waited)
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _joined(parts: list[FileLabels], *, with_groups: bool) -> FileLabels:
    """The official parts as one set: training frames first, as group 0."""
    first, lengths = parts[0], [len(part.positions) for part in parts]
    note = "groups: 0 the official training frames, 1 the official test frames"
    return replace(
        first,
        positions=np.concatenate([part.positions for part in parts]),
        energy=np.concatenate([part.energy for part in parts]),
        forces=np.concatenate([part.forces for part in parts]),
        group=np.repeat(np.arange(len(parts)), lengths)
        if with_groups
        else np.concatenate([part.group for part in parts if part.group is not None]),
        notes=(*first.notes, note) if with_groups else first.notes,
    )


FORMAT = LabelFormat(
    name="MD17 by name",
    read=_read,
    read_geometries=_read_geometries,
    prefix=PREFIX,
    length_unit="Angstrom",
    several_molecules=False,
)
