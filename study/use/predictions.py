"""A file of geometries to a file of predictions: energies, forces, spread, whether a frame is outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.symbols import Symbols

from asteroid.errors import InputError
from asteroid.new_file import new_file

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from asteroid.deploy.force_field import ForceField
    from asteroid.labels.label_set import BoolArray, FloatArray, LabelSet

_ENDINGS = (".xyz", ".extxyz", ".npz")
#: Frames predicted at a time.
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a force field says of N frames.

    Attributes:
        frames: the geometries.
        level: level of theory that the force field stands for.
        energy: [N] in eV.
        forces: [N, A, 3] in eV/Å.
        energy_spread: of the committee, [N] in eV; None without one.
        forces_spread: of the committee, [N, A, 3] in eV/Å; None without one.
        outside: whether a frame is outside the training data, [N]; None where it is not known.
    """

    frames: LabelSet
    level: str
    energy: FloatArray
    forces: FloatArray
    energy_spread: FloatArray | None
    forces_spread: FloatArray | None
    outside: BoolArray | None


def predict_frames(force_field: ForceField, frames: LabelSet, *, spread: bool = True) -> Predictions:
    """Predict frames of one molecule.

    Args:
        force_field: what predicts.
        frames: the geometries.
        spread: ask the committee as well.

    Raises:
        InputError: several molecules, one that the model does not know, or atoms in another order.
    """
    if frames.varied:
        raise InputError("frames of one molecule are predicted at a time, found several: split the file")
    numbers, positions = frames.numbers, frames.positions
    force_field.check(numbers, positions)
    energy, forces = np.empty(len(frames)), np.empty(positions.shape)
    spreads = np.empty(len(frames)), np.empty(positions.shape)
    asked = spread and bool(force_field.committee)
    for first in range(0, len(frames), _CHUNK):
        rows = slice(first, first + _CHUNK)
        energy[rows], forces[rows] = force_field.predict(numbers, positions[rows])
        if asked and (found := force_field.spread(numbers, positions[rows])) is not None:
            spreads[0][rows], spreads[1][rows] = found.energy, found.forces
    return Predictions(
        frames=frames,
        level=force_field.level,
        energy=energy,
        forces=forces,
        energy_spread=spreads[0] if asked else None,
        forces_spread=spreads[1] if asked else None,
        outside=force_field.is_outside(positions),
    )


def check_predictions_path(path: Path) -> None:
    """Refuse a name that predictions are not written to.

    Raises:
        InputError: another ending, or no such folder.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(
            f"predictions are written to {', '.join(_ENDINGS)}, found {path.name!r}: choose such an ending"
        )
    if not path.parent.is_dir():
        raise InputError(f"predictions are written into a folder, found none named {str(path.parent)!r}: make it first")


def write_predictions(found: Predictions, path: Path) -> None:
    """Write predictions, complete or not at all.

    Extended XYZ has ASE's own `energy` and `forces`, never `REF_energy`: they are no labels. An npz file has z [A], R,
    E, F, E_spread, F_spread, outside, level and units.

    Raises:
        InputError: as `check_predictions_path`.
    """
    check_predictions_path(path)
    with new_file(path) as temporary:
        if path.suffix.lower() == ".npz":
            with temporary.open("wb") as target:
                np.savez(target, **_arrays(found))
        else:
            with temporary.open("w", encoding="utf-8") as stream:
                _write_frames(found, stream)


def _arrays(found: Predictions) -> dict[str, Any]:
    arrays = {
        "z": found.frames.numbers,
        "R": found.frames.positions,
        "E": found.energy,
        "F": found.forces,
        "E_spread": found.energy_spread,
        "F_spread": found.forces_spread,
        "outside": found.outside,
        "index": found.frames.frame_id,
        "level": np.array(f"model of {found.level}"),
        "e_unit": np.array("eV"),
        "r_unit": np.array("Angstrom"),
    }
    return {name: value for name, value in arrays.items() if value is not None}


def _write_frames(found: Predictions, stream: TextIO) -> None:
    columns = "species:S:1:pos:R:3:forces:R:3" + (":forces_spread:R:3" if found.forces_spread is not None else "")
    symbols = [str(Symbols([number])) for number in found.frames.numbers.tolist()]
    for row in range(len(found.frames)):
        words = [f"Properties={columns}", f"energy={float(found.energy[row])!r}"]
        if found.energy_spread is not None:
            words.append(f"energy_spread={float(found.energy_spread[row])!r}")
        if found.outside is not None:
            words.append(f"outside={'T' if found.outside[row] else 'F'}")
        words += [f'model_of="{found.level}"', f"frame_id={found.frames.frame_id[row]}", 'pbc="F F F"']
        stream.write(f"{len(symbols)}\n{' '.join(words)}\n")
        parts = [found.frames.positions[row], found.forces[row]]
        parts += [found.forces_spread[row]] if found.forces_spread is not None else []
        for symbol, values in zip(symbols, np.hstack(parts).tolist(), strict=True):
            stream.write(f"{symbol} {' '.join(map(repr, values))}\n")
