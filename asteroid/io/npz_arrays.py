"""Arrays of an npz file by key: never unpickled, with errors in one line."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers

from asteroid.errors import InputError, UndeclaredError
from asteroid.io.declaration import Declaration
from asteroid.io.electrons import electrons_in, pairs_in, states_electrons
from asteroid.io.foreign import foreign_parser
from asteroid.io.likely_keys import likely_keys
from asteroid.io.nested_units import stated_in_mapping
from asteroid.io.said import Said
from asteroid.io.stated_units import merged, stated_in_names
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from asteroid.io.file_units import StatedUnits

NUMBERS_KEYS = ("z", "Z", "nuclear_charges", "atomic_numbers", "numbers")
POSITIONS_KEYS = ("R", "coords", "pos", "positions", "coordinates")
#: Bytes of an array from which it must not be more than so many times its compressed bytes: zeros shrink 1,000 times.
_EXPANDED_MAX, _RATIO_MAX = 2**28, 100
#: Quantities that have a unit, at most: more texts are one for each frame.
_UNITS_MAX = 4
#: Keys of periodic cells: sGDML's lattice and what others call it.
_CELL_KEYS = ("lattice", "cell", "lattice_vectors", "pbc")


class NpzArrays:
    """Arrays of an open npz file, read when asked for."""

    def __init__(self, archive: np.lib.npyio.NpzFile, source: str, declared: Declaration) -> None:
        self.archive, self.source, self.keys, self.declared = archive, source, set(archive.files), declared
        self._headers: dict[str, tuple[tuple[int, ...], np.dtype[Any], int] | None] = {}

    def __getitem__(self, key: str) -> npt.NDArray[Any]:
        if key not in self.keys:
            raise InputError(f"{self.source} has no key {key!r}, found {self.listed()}: name one of them")
        with foreign_parser(f"{key!r} in {self.source} cannot be read, the file is damaged", "fetch it again"):
            self._refuse_claims(key)
            try:
                return np.asarray(self.archive[key])
            except ValueError as error:
                if "allow_pickle" not in str(error):
                    raise
                raise InputError(
                    f"{key!r} in {self.source} must be a plain array, found pickled objects (never loaded, they can "
                    "run code): save plain arrays with numpy.savez"
                ) from error

    def _refuse_claims(self, key: str) -> None:
        """Refuse an array whose header claims another size than its bytes have, or that expands beyond all measure.

        Raises:
            InputError: it does.
        """
        info = self._member(key)
        if info.file_size > _EXPANDED_MAX and info.file_size > _RATIO_MAX * max(info.compress_size, 1):
            raise InputError(
                f"{key!r} in {self.source} must be an array of numbers, found {info.file_size / 2**30:.1f} GiB of "
                f"nothing in {info.compress_size / 2**20:.1f} MiB: save it again without compression"
            )
        header = self._header(key)
        if header is None:
            return  # with names beyond ASCII, which no array of numbers has: numpy will say
        shape, dtype, begins = header
        if not dtype.hasobject and math.prod(shape) * dtype.itemsize + begins != info.file_size:
            raise InputError(
                f"{key!r} in {self.source} must have the size that it claims, found {info.file_size:,} bytes for the "
                f"shape {list(shape)[:6]} of {dtype}: the file is damaged, fetch it again"
            )

    def _member(self, key: str) -> zipfile.ZipInfo:
        assert self.archive.zip is not None
        names = self.archive.zip.NameToInfo
        return names.get(f"{key}.npy") or names[key]

    def _header(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any], int] | None:
        """Shape, type and the first byte of an array's numbers; None in versions of the header that are not read."""
        if key in self._headers:
            return self._headers[key]
        assert self.archive.zip is not None
        found = None
        with self.archive.zip.open(self._member(key)) as stream:
            version = np.lib.format.read_magic(stream)
            if version in ((1, 0), (2, 0)):
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(stream)
                found = shape, dtype, stream.tell()
        self._headers[key] = found
        return found

    def _is_one_text(self, key: str) -> bool:
        """Whether one text stands under a key; of a damaged array nobody may ask, so that it is no error here."""
        try:
            header = self._header(key)
        except Exception:
            return False
        return header is not None and math.prod(header[0]) == 1 and header[1].kind in "US"

    def first(self, keys: tuple[str, ...], name: str, remedy: str) -> npt.NDArray[Any]:
        """The array under the first of the keys that there is.

        Raises:
            InputError: there is none of them, or it cannot be read.
        """
        for key in keys:
            if key in self.keys:
                return self[key]
        wanted = " or ".join(keys)
        message = f"{self.source} needs {name} under {wanted}, found the keys {self.listed()}: {remedy}"
        likely = self._likely_keys() if name in ("energies", "forces") else {}
        raise UndeclaredError(message, likely) if likely else InputError(message)

    def _likely_keys(self) -> dict[str, str]:
        with foreign_parser(f"{self.source} cannot be read, the file is damaged", "fetch it again"):
            headers = {key: self._header(key) for key in self.keys}
        shapes = {key: header[0] for key, header in headers.items() if header is not None and header[1].kind == "f"}
        positions = (self.declared.positions_key, *POSITIONS_KEYS)
        return likely_keys(shapes, next((key for key in positions if key in shapes), ""))

    def forces(self, keys: tuple[str | None, ...], remedy: str) -> npt.NDArray[Any] | None:
        """Forces under the first of the keys that there is; None of labels that are declared to be energies alone.

        Raises:
            InputError: there are none and labels need them, or they cannot be read.
        """
        named = tuple(key for key in keys if key is not None)
        if self.declared.energies_alone and not self.keys & set(named):
            return None
        return self.first(named, "forces", f"{remedy}, or declare forces: none for energies alone")

    def text(self, key: str) -> str:
        """Text under a key, stored as str or bytes; "" where there is none.

        Raises:
            InputError: there are several, and they differ.
        """
        if key not in self.keys:
            return ""
        every = self[key].reshape(-1)
        value = every[:1].tolist()
        if every.dtype.kind in "US" and len(every) > 1 and (every != every[0]).any():
            shown = one_line(f"{every[0]} and {every[every != every[0]][0]}", 100)
            raise InputError(f"{key} of {self.source} must be one text, found {shown}: split the file")
        if value and isinstance(value[0], bytes):
            return value[0].decode("utf-8", "replace")
        return str(value[0]) if value else ""

    def _listed_text(self, key: str) -> str:
        """Text under a key; of a few texts a list of them, as of the units of several quantities."""
        every = self[key].reshape(-1)
        if not (every.dtype.kind in "US" and 1 < len(every) <= _UNITS_MAX and len(np.unique(every)) > 1):
            return self.text(key)
        texts = np.strings.decode(every, "utf-8", "replace") if every.dtype.kind == "S" else every
        return ", ".join(texts.tolist())

    def listed(self) -> str:
        """All keys in a line."""
        return ", ".join(sorted(self.keys))

    def stated(
        self, keys: tuple[str, str | None] | None, sidecar: Mapping[str, Any] | None = None
    ) -> StatedUnits | None:
        """Units under keys such as e_unit and length_unit, in JSON, and in the names of the keys of the labels.

        Args:
            keys: declared keys of energies and forces, or None.
            sidecar: content of the sidecar, or None.

        Raises:
            InputError: a unit is not known, or two statements differ.
        """
        found = list(stated_in_names(keys))
        for key in sorted(self.keys):
            named = "unit" in key.lower() and self[key].size and self[key].dtype.kind in "US"
            if named or self._is_one_text(key):
                text = self._listed_text(key) if "units" in key.lower() else self.text(key)
                if named or text.lstrip()[:1] in ("{", "["):
                    found += stated_in_mapping({key: text}, self.source, "the file")
        if sidecar is not None:  # its texts are prose, which may speak of other units
            said = {key: value for key, value in sidecar.items() if "unit" in key.lower() or isinstance(value, dict)}
            found += stated_in_mapping(said, self.source, str(sidecar.get("sidecar", "the sidecar")))
        return merged(found, self.source)

    def electrons(self, numbers: npt.NDArray[Any], n: int) -> Said:
        """Charge and spin of the frames, where the file states them.

        Args:
            numbers: atomic numbers, shape [A] or [n, A], zero where a frame has no atom.
            n: number of frames.

        Raises:
            InputError: frames of one composition have different ones.
        """
        said = Said(self.source)
        given = {key: _numbers_in(self[key]).reshape(-1) for key in self.keys if states_electrons(key)}
        for key in filter(self._is_one_text, self.keys - set(given)):
            if (text := self.text(key)).lstrip()[:1] in ("{", "["):
                there = pairs_in(text).items()
                given |= {
                    name: _numbers_in(np.array(value)).reshape(-1) for name, value in there if states_electrons(name)
                }
        given = {key: value for key, value in given.items() if len(value) in (1, n)}
        given = {key: value[:1] if (value == value[0]).all() else value for key, value in given.items() if len(value)}
        each = numbers if numbers.ndim == 2 and len(numbers) else numbers.reshape(1, -1)
        differ = len(each) > 1 or any(len(value) > 1 for value in given.values())
        for i in range(n if differ and given else min(n, len(given))):
            values = {key: value[i] if len(value) > 1 else value[0] for key, value in given.items()}
            atoms = each[i if len(each) == n else 0]
            said.hear_electrons(electrons_in(values, self.source, i), atoms[atoms > 0], i)
        return said

    def positions(self) -> npt.NDArray[Any]:
        """Positions under the usual keys.

        Raises:
            InputError: there are none, or the file holds a periodic cell.
        """
        for key in _CELL_KEYS:
            if key in self.keys and self[key].any():
                raise InputError(
                    f"frames of {self.source} must be free molecules, found a periodic cell under {key!r}: periodic "
                    "systems are not supported; for a molecule alone in a box, remove the key"
                )
        named = self.declared.positions_key
        return self.first((named,) if named else POSITIONS_KEYS, "positions", "name it as positions_key")

    def whole_numbers(self) -> npt.NDArray[Any]:
        """Atomic numbers under the usual keys, in whatever shape.

        Elements by their symbols, and whole numbers that are stored with a point, say the same.

        Raises:
            InputError: there are none, they are not whole, or there is no such element; zero is allowed, as it marks
                places without an atom.
        """
        named = self.declared.numbers_key
        numbers = self.first((named,) if named else NUMBERS_KEYS, "atomic numbers", "name it as numbers_key")
        if numbers.dtype.kind in "US" and numbers.size:
            numbers = _of_symbols(numbers, self.source)
        elif numbers.dtype.kind == "f" and (numbers == np.rint(numbers)).all() and (np.abs(numbers) < 1000).all():
            numbers = numbers.astype(np.int64)
        if numbers.dtype.kind not in "iu":
            raise InputError(
                f"atomic numbers of {self.source} must be whole, found {numbers.dtype}: write 6 for carbon"
            )
        impossible = numbers[(numbers < 0) | (numbers > 118)]
        if impossible.size:
            remedy = "pad rows with zeros" if numbers.ndim == 2 else "check the key"
            raise InputError(f"atomic numbers of {self.source} lie between 1 and 118, found {impossible[0]}: {remedy}")
        return numbers


@contextmanager
def open_arrays(stream: IO[bytes], source: str, declared: Declaration | None = None) -> Iterator[NpzArrays]:
    """Arrays of an open binary file.

    Args:
        stream: the file.
        source: its name for messages.
        declared: what the file's user says of it, for keys of numbers and positions.

    Raises:
        InputError: it is no npz file, or a pickle.
    """
    wanted = f"{source} must be an npz file of plain arrays"
    with foreign_parser(wanted, "save it with numpy.savez"):
        try:
            archive = np.load(stream, allow_pickle=False)
        except ValueError as error:  # whose text recommends to load pickles after all
            raise InputError(
                f"{wanted}, found something else, perhaps a pickle (never loaded, it can run code): save it with "
                "numpy.savez"
            ) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise InputError(f"{source} must be an npz file with named arrays, found one array: use numpy.savez")
    with archive:
        yield NpzArrays(archive, source, declared or Declaration())


def _of_symbols(symbols: npt.NDArray[Any], source: str) -> npt.NDArray[Any]:
    """Atomic numbers of elements, in the same shape; an empty text marks a place without an atom.

    Raises:
        InputError: one is no element.
    """
    texts = np.strings.decode(symbols, "utf-8", "replace") if symbols.dtype.kind == "S" else symbols
    names, which = np.unique(np.strings.strip(texts), return_inverse=True)
    of_name = {"": 0, **atomic_numbers}
    unknown = [name for name in names.tolist() if name.capitalize() not in of_name or name.upper() == "X"]
    if unknown:
        raise InputError(
            f"atomic numbers of {source} must be those of elements, found {one_line(unknown[0], 40)!r}: write C or 6 "
            "for carbon"
        )
    numbers = np.array([of_name[name.capitalize()] for name in names.tolist()], dtype=np.int64)
    return np.asarray(numbers[which].reshape(symbols.shape))


def _numbers_in(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array of numbers, also where they are written as text; of anything else an empty one."""
    if value.dtype.kind in "US":
        try:
            return value.astype(np.float64)
        except ValueError:
            return np.empty(0)
    return value if value.dtype.kind in "fiu" else np.empty(0)
