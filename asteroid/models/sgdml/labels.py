"""What a kernel can learn from: at least two atoms, apart, and finite labels of one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.labels.label_set import FloatArray, IntArray


def checked_kernel_labels(
    numbers: npt.ArrayLike, positions: npt.ArrayLike, energy: npt.ArrayLike, forces: npt.ArrayLike
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """The labels as contiguous arrays, if they can be learned.

    Args:
        numbers: atomic numbers, shape [A].
        positions: Å, shape [N, A, 3].
        energy: eV, shape [N].
        forces: eV/Å, shape [N, A, 3].

    Raises:
        InputError: shapes disagree, a value is not finite, one atom, or two in one place.
    """
    z = np.array(numbers, dtype=np.int64)
    x, e, f = (np.array(values, dtype=np.float64) for values in (positions, energy, forces))
    n = x.shape[0] if x.ndim else 0
    if not n or z.ndim != 1 or (x.shape, f.shape, e.shape) != ((n, z.size, 3), (n, z.size, 3), (n,)):
        raise InputError(
            "a kernel needs positions and forces [N, A, 3] and energies [N], found "
            f"{list(x.shape)}, {list(f.shape)} and {list(e.shape)} for {z.size} atoms: reshape"
        )
    if len(z) < 2:
        raise InputError("a kernel learns from distances between atoms, found 1 atom: take a molecule")
    for name, values in (("positions", x), ("energies", e), ("forces", f)):
        finite = np.isfinite(values).reshape(len(x), -1).all(axis=1)
        if not finite.all():
            raise InputError(f"{name} must be finite, frame {np.argmin(finite)} is not: leave it out")
    first, second = np.triu_indices(len(z), 1)
    nearest = np.linalg.norm(x[:, first] - x[:, second], axis=2).min(axis=1)
    if nearest.min() < 1e-3:
        raise InputError(f"atoms lie apart, two of frame {np.argmin(nearest)} are in one place: leave it out")
    return z, x, e, f
