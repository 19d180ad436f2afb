"""Permutations of like atoms that the frames of a molecule go through."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from asteroid.models.sgdml.package import sgdml_package

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.labels.label_set import IntArray

#: Frames searched for permutations, which costs their number squared: methanol, ethanol, aspirin and formaldehyde gave
#: the same group for every draw of 25 or more.
_SYMMETRY_FRAMES = 100


def find_permutations(numbers: npt.ArrayLike, positions: npt.ArrayLike, seed: int) -> IntArray:
    """Permutations of like atoms that the frames go through, shape [P, A]: a group, the identity first.

    Multi-partite matching of distance matrices (Chmiela et al. 2018) of the frames [N, A, 3] in Å, or of 100 of them
    that the seed draws.
    """
    z, x = np.asarray(numbers, dtype=np.int64), np.asarray(positions, dtype=np.float64)
    if len(x) > _SYMMETRY_FRAMES:
        x = x[np.sort(np.random.default_rng(seed).choice(len(x), _SYMMETRY_FRAMES, replace=False))]
    perm = sgdml_package().perm
    with warnings.catch_warnings():  # equal distances: eigenvalues of a symmetric matrix with an imaginary part of zero
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        found = perm.find_perms(x, z, max_processes=1)
    perm.glob.clear()  # the package would keep the distance matrices until its next search
    if found is None:  # more than 100 permutations, and no smaller group among them
        found = np.arange(len(z))[None]
    group: IntArray = np.unique(found, axis=0).astype(np.int64)
    of_like_atoms: IntArray = group[(z[group] == z).all(axis=1)]
    return of_like_atoms
