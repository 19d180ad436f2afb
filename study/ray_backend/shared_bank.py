"""Described frames for many workers: one copy in shared memory, or files that they map into memory.

The files are for packs whose workers died or ran out of memory: pages of a mapped file are read when they are needed
and may be dropped again, which the object store's copy may not.
"""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.descriptors.placement import with_leaves
from asteroid.new_file import new_file

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank


@dataclass(frozen=True)
class ArrayFile:
    """Place of one array on disk."""

    path: str


@dataclass(frozen=True)
class MappedBank:
    """A frame bank whose arrays lie in files.

    Attributes:
        bank: the bank with an `ArrayFile` in the place of every array that is not empty.
    """

    bank: FrameBank

    @classmethod
    def write(cls, shared: SharedBank, folder: Path) -> MappedBank:
        """Write every array once; what an earlier process left in the folder goes.

        Args:
            shared: the frames.
            folder: where; every node must see it under this name for its workers to use it.

        Raises:
            OSError: the disk is full; nothing stays behind.
        """
        numbers = count()

        def written(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | ArrayFile:
            if not array.size:  # nothing that could be mapped
                return array
            path = folder.resolve() / f"{next(numbers)}.npy"
            with new_file(path) as temporary, temporary.open("wb") as file:
                np.save(file, array, allow_pickle=False)
            return ArrayFile(str(path))

        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True)
            return cls(with_leaves(shared.bank, np.ndarray, written))
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def open(self) -> FrameBank:
        """The bank of the mapped arrays: its tensors must never be written to.

        Raises:
            OSError: the files are not there, as on a node that does not share their folder.
        """
        return SharedBank(with_leaves(self.bank, ArrayFile, lambda file: np.load(file.path, mmap_mode="r"))).open()


@dataclass(frozen=True)
class SharedBank:
    """A frame bank as arrays, which Ray's workers on one machine read from one copy in shared memory.

    Attributes:
        bank: the bank with an array in the place of every tensor.
    """

    bank: FrameBank

    @classmethod
    def of(cls, bank: FrameBank) -> SharedBank:
        """The arrays of a bank, not copied unless they lie on a GPU."""
        import torch

        return cls(with_leaves(bank, torch.Tensor, lambda tensor: tensor.numpy(force=True)))

    @property
    def nbytes(self) -> int:
        """Size of the arrays and, roughly, of the hashes."""
        sizes: list[int] = []
        with_leaves(self.bank, np.ndarray, lambda array: sizes.append(array.nbytes))
        return sum(sizes) + sum(64 * len(rows) for rows in self.bank.rows.values())

    def open(self) -> FrameBank:
        """The bank of these arrays, not copied: its tensors must never be written to."""
        import torch

        with warnings.catch_warnings():
            # Shared memory is read-only, which torch cannot express; training only reads the frames.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
            return with_leaves(self.bank, np.ndarray, torch.from_numpy)
