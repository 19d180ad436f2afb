"""Labelled frames at one level of theory: the record, its content hashes and its stable order.

Frames are ordered by a hash of their own geometry, never by a permutation of row numbers: adding labels to a file then
inserts frames into the order and moves none, so the first n frames of today stay among the first n + m of tomorrow.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from asteroid.errors import InputError
from asteroid.labels.level_names import normalise_level

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def _no_ids() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class LabelSet:
    """N frames with their labels at one level, of one molecule or of several. Arrays are read-only, in internal units.

    A set of several molecules is `varied`: it has one row of atomic numbers for each frame, A is the largest number of
    atoms, and what a smaller frame does not fill is zero. `asteroid.labels.molecules` takes such a set apart.

    Attributes:
        numbers: atomic numbers, shape [A], or [N, A] with zeros behind the atoms of a smaller frame.
        positions: coordinates in Å, shape [N, A, 3].
        energy: energies in eV, shape [N], or None.
        forces: forces in eV/Å, shape [N, A, 3], or None.
        level: level of theory as a slug (`asteroid.labels.level_names`).
        cpu_s: measured CPU seconds of each label, shape [N], or None; a record, not a price.
        frame_id: the frame's number in its source, shape [N]; row numbers where none is given.
        group: replica or time block of each frame, shape [N], or None.

    Raises:
        InputError: shapes do not agree, an atomic number is impossible, a place without an atom is not zero or lies
            before one, or the level is not a slug.
    """

    numbers: IntArray
    positions: FloatArray
    energy: FloatArray | None
    forces: FloatArray | None
    level: str
    cpu_s: FloatArray | None = None
    frame_id: IntArray = field(default_factory=_no_ids)
    group: IntArray | None = None

    def __post_init__(self) -> None:
        level = normalise_level(self.level)
        if level != self.level:
            raise InputError(f"a level is a lower-case slug, found {self.level!r}: write {level!r}")
        positions = np.asarray(self.positions, dtype=np.float64)
        if positions.ndim != 3 or positions.shape[1] < 1 or positions.shape[2] != 3:
            raise InputError(f"positions need the shape [frames, atoms, 3], found {list(positions.shape)}: reshape")
        n, atoms = positions.shape[:2]
        frame_id = self.frame_id if np.size(self.frame_id) or not n else np.arange(n)
        _freeze(self, "positions", positions, (n, atoms, 3))
        _freeze(self, "numbers", self.numbers, (atoms,) if np.ndim(self.numbers) < 2 else (n, atoms), np.int64)
        _freeze(self, "energy", self.energy, (n,))
        _freeze(self, "forces", self.forces, (n, atoms, 3))
        _freeze(self, "cpu_s", self.cpu_s, (n,))
        _freeze(self, "frame_id", frame_id, (n,), np.int64)
        _freeze(self, "group", self.group, (n,), np.int64)
        known = (self.numbers >= (0 if self.varied else 1)) & (self.numbers <= 118)
        if not known.all():
            raise InputError(
                f"atomic numbers lie between 1 and 118, found {self.numbers[~known][0]}: check the element column"
            )
        if self.varied:
            _refuse_filled_gaps(self)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def varied(self) -> bool:
        """Whether every frame has atoms of its own."""
        return self.numbers.ndim == 2

    @property
    def n_atoms(self) -> IntArray:
        """Number of atoms of each frame, shape [N]."""
        per_frame: IntArray = np.count_nonzero(np.broadcast_to(self.numbers, self.positions.shape[:2]), axis=1)
        return per_frame

    def select(self, rows: npt.ArrayLike) -> LabelSet:
        """Return the given rows (integers in order, or a mask of length N) as a new set."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == np.bool_ else index.astype(np.int64)
        return LabelSet(
            numbers=self.numbers[index] if self.varied else self.numbers,
            positions=self.positions[index],
            energy=None if self.energy is None else self.energy[index],
            forces=None if self.forces is None else self.forces[index],
            level=self.level,
            cpu_s=None if self.cpu_s is None else self.cpu_s[index],
            frame_id=self.frame_id[index],
            group=None if self.group is None else self.group[index],
        )


def _refuse_filled_gaps(labels: LabelSet) -> None:
    """A frame's atoms come first, and there is nothing behind them."""
    is_atom = labels.numbers > 0
    if not is_atom[:, 0].all() or (is_atom[:, 1:] & ~is_atom[:, :-1]).any():
        raise InputError("atoms of a frame come first and places without an atom last, found another order: reorder")
    for name, values in (("positions", labels.positions), ("forces", labels.forces)):
        if values is not None and values[~is_atom].any():
            raise InputError(f"{name} are zero where a frame has no atom, found other numbers: write zeros")


def _freeze(
    owner: LabelSet,
    name: str,
    value: npt.ArrayLike | None,
    shape: tuple[int, ...],
    dtype: type[np.float64] | type[np.int64] = np.float64,
) -> None:
    """Store a read-only copy of the right type, after checking its shape."""
    if value is None:
        return
    given = np.asarray(value)
    if given.shape != shape:
        raise InputError(f"{name} needs the shape {list(shape)}, found {list(given.shape)}: check the label file")
    whole = given.dtype.kind in "iub" or (given.dtype.kind == "f" and bool(np.all(given == np.rint(given))))
    if dtype is np.int64 and not whole:
        raise InputError(f"{name} needs whole numbers, found values of type {given.dtype}: number them")
    stored = np.array(given, dtype=dtype)
    stored.setflags(write=False)
    object.__setattr__(owner, name, stored)


def geometry_hashes(labels: LabelSet) -> list[str]:
    """Hash each frame's geometry: atomic numbers and positions, the latter as little-endian float32.

    float32 (relative precision 6e-8) makes a frame stored in single precision and its double-precision original equal.
    Rotated copies have other hashes: use `asteroid.labels.matching` to find those. A frame has one hash in any set.
    """
    if not labels.varied:
        numbers = labels.numbers.astype("<i8").tobytes()
        return [_digest(numbers, frame) for frame in _float32(labels.positions, labels)]
    rows = (row[row > 0].astype("<i8").tobytes() for row in labels.numbers)
    return [_digest(*parts) for parts in zip(rows, _float32(labels.positions, labels), strict=True)]


def content_hashes(labels: LabelSet) -> list[str]:
    """Hash each frame's geometry and labels, so that a changed label is a changed frame.

    Forces enter as little-endian float32 like the positions. Energies enter as float64: a total energy of -72,000
    kcal/mol (-3,100 eV) keeps only 2e-4 eV in float32, as much as the accuracy that is learned. Nothing is subtracted
    first, because a frame's hash must not depend on the other frames of its set.
    """
    n = len(labels)
    energy = [b""] * n if labels.energy is None else [e.tobytes() for e in (labels.energy + 0.0).astype("<f8")]
    forces = [b""] * n if labels.forces is None else _float32(labels.forces, labels)
    parts = zip(geometry_hashes(labels), energy, forces, strict=True)
    return [_digest(bytes.fromhex(geometry), b"E" + e, b"F" + f) for geometry, e, f in parts]


def hash_values(labels: LabelSet, seed: int, purpose: str) -> npt.NDArray[np.uint64]:
    """Draw a 64-bit number per frame, shape [N], from the seed, the purpose and the frame's geometry alone.

    `purpose` separates uses (the order of buying or of labelling, membership of the test set), which must not be
    correlated: of two molecules with labels for the first tenth and the first half of their frames, a study that buys
    in the order of labelling would buy hardly any of the second.
    """
    salt = f"{purpose}:{seed}:".encode()
    values = (hashlib.blake2b(salt + bytes.fromhex(h), digest_size=8).digest() for h in geometry_hashes(labels))
    return np.frombuffer(b"".join(values), dtype="<u8").astype(np.uint64)


def hash_order(labels: LabelSet, seed: int, purpose: str = "order") -> IntArray:
    """Rows in the seed's order, shape [N]: by hash(purpose, seed, geometry), whatever the order of rows in the file.

    Copies of a frame (which the guards refuse) tie and keep the order of the file.
    """
    return np.argsort(hash_values(labels, seed, purpose), kind="stable").astype(np.int64)


def _float32(values: FloatArray, labels: LabelSet) -> list[bytes]:
    """Each frame's numbers as little-endian float32 bytes, of its atoms only; adding 0 turns -0.0 into 0.0."""
    frames = values.astype("<f4") + np.float32(0.0)
    return [frame[:size].tobytes() for frame, size in zip(frames, labels.n_atoms, strict=True)]


def _digest(*parts: bytes) -> str:
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()
