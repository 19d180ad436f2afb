"""Arrays of an npz file by key: never unpickled, with errors in one line."""

from __future__ import annotations

import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

NUMBERS_KEYS = ("z", "Z", "nuclear_charges")
POSITIONS_KEYS = ("R", "coords")
#: Keys of periodic cells: sGDML's lattice and what others call it.
_CELL_KEYS = ("lattice", "cell", "lattice_vectors", "pbc")


class NpzArrays:
    """Arrays of an open npz file, read when asked for."""

    def __init__(self, archive: np.lib.npyio.NpzFile, source: str) -> None:
        self.archive, self.source, self.keys = archive, source, set(archive.files)

    def __getitem__(self, key: str) -> npt.NDArray[Any]:
        if key not in self.keys:
            raise InputError(f"{self.source} has no key {key!r}, found {self.listed()}: name one of them")
        try:
            return np.asarray(self.archive[key])
        except ValueError as error:
            raise InputError(
                f"{key!r} in {self.source} must be a plain array, found pickled objects (never loaded, they can run "
                "code): save plain arrays with numpy.savez"
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise InputError(f"{key!r} in {self.source} cannot be read, the file is damaged: fetch it again") from error

    def first(self, keys: tuple[str, ...], name: str, remedy: str) -> npt.NDArray[Any]:
        """The array under the first of the keys that there is.

        Raises:
            InputError: there is none of them, or it cannot be read.
        """
        for key in keys:
            if key in self.keys:
                return self[key]
        wanted = " or ".join(keys)
        raise InputError(f"{self.source} needs {name} under {wanted}, found the keys {self.listed()}: {remedy}")

    def text(self, key: str) -> str:
        """Text under a key, stored as str or bytes; "" where there is none."""
        if key not in self.keys:
            return ""
        value = self[key].reshape(-1)[:1].tolist()
        if value and isinstance(value[0], bytes):
            return value[0].decode("utf-8", "replace")
        return str(value[0]) if value else ""

    def listed(self) -> str:
        """All keys in a line."""
        return ", ".join(sorted(self.keys))

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
        return self.first(POSITIONS_KEYS, "positions", "rename the key")

    def whole_numbers(self) -> npt.NDArray[Any]:
        """Atomic numbers under the usual keys, in whatever shape.

        Raises:
            InputError: there are none, they are not whole, or there is no such element; zero is allowed, as it marks
                places without an atom.
        """
        numbers = self.first(NUMBERS_KEYS, "atomic numbers", "rename the key")
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
def open_arrays(stream: IO[bytes], source: str) -> Iterator[NpzArrays]:
    """Arrays of an open binary file.

    Args:
        stream: the file.
        source: its name for messages.

    Raises:
        InputError: it is no npz file, or a pickle.
    """
    try:
        archive = np.load(stream, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{source} must be an npz file of plain arrays, found something else, perhaps a pickle (never loaded, it "
            "can run code): save it with numpy.savez"
        ) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise InputError(f"{source} must be an npz file with named arrays, found one array: use numpy.savez")
    with archive:
        yield NpzArrays(archive, source)
