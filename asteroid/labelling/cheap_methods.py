"""Cheap methods that can run here: delta-learning with a live method needs one at every prediction."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.labeller import NotConvergedError
from asteroid.labelling.xtb_labeller import XTB, xtb_labeller

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    #: (numbers [A], positions [B, A, 3] in Å) -> energy [B] in eV, forces [B, A, 3] in eV/Å.
    CheapMethod = Callable[[NDArray[np.int64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]

#: What must be installed for all of them, by its name on PyPI.
PACKAGE = "tblite"
#: Iterations of the charges, tblite's own default.
_MAX_CYCLE = 250


def cheap_method(level: str) -> CheapMethod | None:
    """A level of theory as a function of positions, or None where it cannot be run.

    Args:
        level: its slug, for instance gfn2-xtb.
    """
    if level not in XTB or find_spec(PACKAGE) is None:
        return None

    def compute(
        numbers: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return _tblite(level, numbers, positions)

    return compute


def why_not(level: str) -> str:
    """What would make a level callable, for messages."""
    if level in XTB:
        return "install tblite (pip install asteroid-study[xtb])"
    return f"{level} cannot be run by this package: only {', '.join(XTB)} can"


def _tblite(
    level: str, numbers: NDArray[np.int64], positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if numbers.ndim != 1:
        raise InputError(
            f"{XTB[level]} takes one molecule at a time, found atoms of {len(numbers)} frames: label one molecule"
        )
    labeller = xtb_labeller(level, numbers, charge=0, unpaired=0, max_cycle=_MAX_CYCLE)
    energy, forces = np.empty(len(positions)), np.empty(positions.shape)
    for frame, at in enumerate(positions):
        try:
            energy[frame], forces[frame] = labeller(at)
        except NotConvergedError as error:
            raise InputError(
                f"{XTB[level]} must converge at every geometry, failed at frame {frame}: {error}: remove the frame"
            ) from error
    return energy, forces
