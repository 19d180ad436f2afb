"""Cheap methods that can run here: delta-learning with a live method needs one at every prediction."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    #: (numbers [A], positions [B, A, 3] in Å) -> energy [B] in eV, forces [B, A, 3] in eV/Å.
    CheapMethod = Callable[[NDArray[np.int64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]

#: Levels that tblite computes, and its names for them (Bannwarth et al., J. Chem. Theory Comput. 15, 1652 (2019)).
_TBLITE = {"gfn1-xtb": "GFN1-xTB", "gfn2-xtb": "GFN2-xTB", "ipea1-xtb": "IPEA1-xTB"}


def cheap_method(level: str) -> CheapMethod | None:
    """A level of theory as a function of positions, or None where it cannot be run.

    Args:
        level: its slug, for instance gfn2-xtb.
    """
    if level not in _TBLITE or find_spec("tblite") is None:
        return None

    def compute(
        numbers: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return _tblite(_TBLITE[level], numbers, positions)

    return compute


def why_not(level: str) -> str:
    """What would make a level callable, for messages."""
    if level in _TBLITE:
        return "install tblite (pip install asteroid-study[xtb])"
    return f"{level} cannot be run by this package: only {', '.join(_TBLITE)} can"


def _tblite(
    method: str, numbers: NDArray[np.int64], positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from tblite.exceptions import TBLiteRuntimeError
    from tblite.interface import Calculator

    energy, forces = np.empty(len(positions)), np.empty(positions.shape)
    for frame, at in enumerate(positions):
        calculator = Calculator(method, numbers, at / Bohr)
        calculator.set("verbosity", 0)
        try:
            result = calculator.singlepoint()
        except TBLiteRuntimeError as error:
            raise InputError(
                f"{method} must converge at every geometry, failed at frame {frame}: {error}: remove the frame"
            ) from error
        energy[frame] = result.get("energy") * Hartree
        forces[frame] = -result.get("gradient") * (Hartree / Bohr)
    return energy, forces
