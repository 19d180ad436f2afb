"""Settings of a kernel fit, and the memory that it needs."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import ClassVar

import psutil

from asteroid.errors import InputError

#: Frames whose columns of the kernel are assembled at a time; of the symmetric matrix only the rows below are.
COLUMN_FRAMES = 16


@dataclass(frozen=True)
class KernelSettings:
    """Settings of a kernel fit, and what a fit needs. Fields are part of stage keys.

    Attributes:
        sigmas: length scales in 1/Å, whole and rising; cross-validation inside the labels chooses one of several.
        regularisation: added to the diagonal of the kernel for forces of unit variance (`lam` of the package).
        symmetries: sum the kernel over permutations of like atoms (sGDML) or not (GDML).
        folds: folds of the cross-validation, at most one per frame.
        architecture: its name in stage keys.
        one_composition: all frames are of one molecule.
        packages: what must be installed for it beside PyTorch, by the names of PyPI.

    Raises:
        InputError: a value out of its range.
    """

    sigmas: tuple[int, ...] = (5, 10, 20, 40, 80)
    regularisation: float = 1e-10
    symmetries: bool = True
    folds: int = 5
    architecture: ClassVar[str] = "sgdml"
    one_composition: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("sgdml",)

    def __post_init__(self) -> None:
        whole = all(isinstance(sigma, int) and sigma > 0 for sigma in self.sigmas)
        if not self.sigmas or not whole or list(self.sigmas) != sorted(set(self.sigmas)):
            raise InputError(f"sigmas are whole, positive and rising, found {self.sigmas}: write for instance (10, 20)")
        if self.sigmas[-1] > 10**6:  # where inverse distances are all alike in double precision
            raise InputError(f"sigmas are at most {10**6}, found {self.sigmas[-1]}: 5 to 100 are usual")
        if not (math.isfinite(self.regularisation) and self.regularisation > 0):
            raise InputError(f"the regularisation must be positive, found {self.regularisation}: 1e-10 is usual")
        if self.folds < 2:
            raise InputError(f"cross-validation needs at least 2 folds, found {self.folds}: 5 is usual")

    def fit_bytes(self, n_frames: int, n_atoms: int) -> int:
        """Peak memory of a fit in bytes.

        The matrix, a fold's part of it where it is cross-validated, and the columns in assembly.
        """
        cartesian, distances = 3 * n_atoms, n_atoms * (n_atoms - 1) // 2
        matrix = (n_frames * max(3 * n_atoms - 6, 1)) ** 2
        kept = 1 - 1 / min(self.folds, max(n_frames, 2)) if len(self.sigmas) > 1 else 0.0
        columns = 4 * n_frames * cartesian * min(n_frames, COLUMN_FRAMES) * cartesian
        return 8 * (math.ceil(matrix * (1 + kept**2)) + columns + 6 * n_frames * distances * cartesian)

    def refuse_too_large(self, n_frames: int, n_atoms: int, free_bytes: int | None = None) -> None:
        """Refuse more frames than a fit can hold in the given memory, by default 80 % of what is free now.

        Raises:
            InputError: with the largest number that fits.
        """
        free = int(0.8 * psutil.virtual_memory().available) if free_bytes is None else free_bytes
        needed = self.fit_bytes(n_frames, n_atoms)
        if needed <= free:
            return
        largest = bisect_right(range(n_frames), free, key=lambda n: self.fit_bytes(n, n_atoms)) - 1
        raise InputError(
            f"a kernel of {n_frames} frames of {n_atoms} atoms needs {needed / 2**30:.1f} GiB of memory, "
            f"{free / 2**30:.1f} GiB may be used: take at most {max(largest, 0)} frames"
        )
