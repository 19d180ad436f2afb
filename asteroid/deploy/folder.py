"""The folder of an exported force field: `model.json`, two files of tensors, a card to read, what must be installed.

No file holds code, and nothing is unpickled. A folder may come from anybody: files are plain ones of a stated size and
digest, shapes are checked before anything is allocated, and a model that does not predict what it predicted when it was
exported is refused.
"""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from asteroid.content_digest import content_digest
from asteroid.deploy.card import card_text, requirements_text
from asteroid.deploy.force_field import ForceField
from asteroid.deploy.known_molecules import one_molecule
from asteroid.deploy.record import (
    DescriptorRecord,
    FileRecord,
    ModelRecord,
    read_record,
    record_text,
)
from asteroid.deploy.regular_files import read_plain_file
from asteroid.deploy.terms import model_of, record_of
from asteroid.descriptors.layout import make_layout
from asteroid.errors import InputError
from asteroid.labelling.cheap_methods import cheap_method, why_not
from asteroid.labels.label_set import LabelSet
from asteroid.labels.molecules import formulas
from asteroid.stages.potential import Potential

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from asteroid.descriptors.layout import Layout
    from asteroid.labelling.cheap_methods import CheapMethod

MODEL, WEIGHTS, FRAMES, CARD, REQUIREMENTS = (
    "model.json",
    "weights.safetensors",
    "frames.safetensors",
    "card.md",
    "requirements.txt",
)
#: Frames whose prediction is compared with that of the export, and how far they may be apart: another processor rounds
#: differently, another version of the descriptors is off by more.
_CHECK_FRAMES, _CHECK_TOL_EV, _CHECK_TOL_EV_ANG = 3, 1e-3, 1e-3
_MOST_RECORD_BYTES, _MOST_BYTES = 2**24, 2**32


def is_model(folder: Path) -> bool:
    """Whether a folder is that of an exported force field."""
    return (folder / MODEL).is_file()


def write_force_field(force_field: ForceField, folder: Path) -> None:
    """Write a force field into a folder, complete or not at all; an earlier export in its place is replaced.

    Raises:
        InputError: something else is in the way.
        OSError: the disk is full or cannot be written to.
    """
    if folder.exists() and not (folder.is_dir() and (is_model(folder) or not any(folder.iterdir()))):
        raise InputError(f"a model is exported into a folder of its own, found other files in {folder}: choose another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    name = f".{folder.name}.{secrets.token_hex(4)}"
    temporary, aside = folder.with_name(f"{name}.tmp"), folder.with_name(f"{name}.old")
    try:
        temporary.mkdir()
        contents = {WEIGHTS: save(_weights(force_field)), FRAMES: save(_frames(force_field))}
        files = {name: FileRecord(size=len(own), digest=content_digest(own)) for name, own in contents.items()}
        record = _record(force_field, files)
        contents[MODEL] = record_text(record).encode()
        contents[CARD] = card_text(record).encode()
        contents[REQUIREMENTS] = requirements_text(record).encode()
        for name, content in contents.items():
            (temporary / name).write_bytes(content)
        if folder.exists():
            folder.rename(aside)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def read_force_field(folder: Path) -> ForceField:
    """Read what `write_force_field` wrote.

    Raises:
        InputError: the folder is none, damaged, changed, or of another version; its cheap method is not installed.
    """
    if not folder.is_dir():
        raise InputError(
            f"a model is a folder that 'export' or 'buy' wrote, found none named {folder}: correct the path"
        )
    record = read_record(_text(folder / MODEL), str(folder / MODEL))
    weights, frames = (_tensors(folder / name, record) for name in (WEIGHTS, FRAMES))
    cheap, level = None, record.cheap_method
    if level is not None and (cheap := cheap_method(level, record.electrons)) is None:
        raise InputError(
            f"{folder} adds to {level}, which runs at every prediction: {why_not(level, record.electrons)}"
        )
    try:
        members = _members(record, weights, cheap)
        trained_on = _trained_on(record, frames)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder} is damaged ({type(error).__name__}: {reason}): export the model again") from error
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
    force_field = ForceField(
        record.level,
        record.cheap_method,
        members[0],
        members[1:],
        trained_on,
        record.card,
        record.calibration,
        record.electrons,
    )
    _refuse_other_predictions(force_field, frames, folder)
    return force_field


def _record(force_field: ForceField, files: dict[str, FileRecord]) -> ModelRecord:
    frames, layout = force_field.trained_on, force_field.model.layout
    return ModelRecord(
        units={"energy": "eV", "length": "Angstrom", "forces": "eV/Angstrom"},
        level=force_field.level,
        formulas=tuple(formulas(frames)),
        numbers=None if frames.varied else tuple(frames.numbers.tolist()),
        descriptors=None if layout is None else DescriptorRecord(**vars(layout.settings)),
        cheap_method=force_field.cheap_level,
        charge=force_field.electrons.charge,
        unpaired=force_field.electrons.unpaired,
        members=tuple(
            tuple(record_of(model) for model in member.models) for member in (force_field.model, *force_field.committee)
        ),
        calibration=force_field.calibration,
        card=force_field.card,
        files=files,
    )


def _weights(force_field: ForceField) -> dict[str, Tensor]:
    return {
        f"{place}.{term}.{name}": value.clone()
        for place, member in enumerate((force_field.model, *force_field.committee))
        for term, model in enumerate(member.models)
        for name, value in model.tensors().items()
    }


def _frames(force_field: ForceField) -> dict[str, Tensor]:
    """Geometries of the training labels, and what the model predicts for the first of them."""
    frames = force_field.trained_on
    first = _first(frames)
    energy, forces = force_field.predict(first.numbers, first.positions)
    return {
        "numbers": torch.tensor(frames.numbers),
        "positions": torch.tensor(frames.positions),
        "check_energy": torch.tensor(energy, dtype=torch.float64),
        "check_forces": torch.tensor(forces, dtype=torch.float64),
    }


def _first(frames: LabelSet) -> LabelSet:
    """The first frames of a set, of one molecule."""
    alike = one_molecule(frames)
    return alike.select(np.arange(min(_CHECK_FRAMES, len(alike))))


def _text(path: Path) -> str:
    try:
        return read_plain_file(path, _MOST_RECORD_BYTES).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be text in UTF-8, it is damaged: export the model again") from error


def _tensors(path: Path, record: ModelRecord) -> Mapping[str, Tensor]:
    """The tensors of a file after its size and digest have been compared with the record."""
    stated = record.files.get(path.name)
    if stated is None:
        raise InputError(f"{path.parent / MODEL} must state the digest of {path.name}: export the model again")
    content = read_plain_file(path, _MOST_BYTES)
    if len(content) != stated.size or content_digest(content) != stated.digest:
        raise InputError(f"{path} is damaged or of another export (its digest differs): export the model again")
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"{path} must be a file of tensors, it is damaged: export the model again") from error
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(f"{path} must hold finite numbers, found others in {name}: export the model again")
    return tensors


def _members(record: ModelRecord, weights: Mapping[str, Tensor], cheap: CheapMethod | None) -> tuple[Potential, ...]:
    layout = _layout(record)
    members = []
    for place, terms in enumerate(record.members):
        models = []
        for number, term in enumerate(terms):
            start = f"{place}.{number}."
            own = {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}
            models.append(model_of(term, own, layout))
        members.append(Potential(layout, tuple(models), cheap))
    return tuple(members)


def _layout(record: ModelRecord) -> Layout | None:
    if record.descriptors is None:
        return None
    if record.numbers is None:
        raise ValueError("descriptors are those of one molecule")
    return make_layout(np.array(record.numbers), record.descriptors.settings())


def _trained_on(record: ModelRecord, frames: Mapping[str, Tensor]) -> LabelSet:
    found = LabelSet(frames["numbers"].numpy(), frames["positions"].numpy(), None, None, record.level)
    stated = None if record.numbers is None else list(record.numbers)
    if not len(found) or (None if found.varied else found.numbers.tolist()) != stated:
        raise ValueError("its training frames are of other atoms")
    return found


def _refuse_other_predictions(force_field: ForceField, frames: Mapping[str, Tensor], folder: Path) -> None:
    first = _first(force_field.trained_on)
    energy, forces = force_field.predict(first.numbers, first.positions)
    stated = frames["check_energy"].numpy(), frames["check_forces"].numpy()
    if stated[0].shape != energy.shape or stated[1].shape != forces.shape:
        raise InputError(f"{folder} must state predictions of its first frames, found others: export the model again")
    off = np.abs(energy - stated[0]).max(), np.abs(forces - stated[1]).max()
    if off[0] > _CHECK_TOL_EV or off[1] > _CHECK_TOL_EV_ANG:
        raise InputError(
            f"{folder} predicts other numbers here than where it was exported (energies differ by {off[0]:.2g} eV, "
            f"forces by {off[1]:.2g} eV/Å): use the release that exported it ({_version(force_field)})"
        )


def _version(force_field: ForceField) -> str:
    return f"asteroid-study {force_field.card.versions.get('asteroid-study', 'unknown')}"
