"""Cheap methods that can run here: delta-learning with a live method needs one at every prediction."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.labeller import Method, NotConvergedError
from asteroid.labelling.levels import PROGRAMS, parse_parts
from asteroid.labelling.open_labeller import open_labeller
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.labels.level_names import is_import_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from asteroid.labelling.labeller import Labeller
    from asteroid.labelling.program import Program
    from asteroid.labels.charge_and_spin import ChargeAndSpin

    #: (numbers [A], positions [B, A, 3] in Å) -> energy [B] in eV, forces [B, A, 3] in eV/Å.
    CheapMethod = Callable[[NDArray[np.int64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]

#: Calculators `module:factory`, with commas between them, that files of labels and exported models may name.
ALLOWED = "ASTEROID_STUDY_CALCULATORS"
#: Iterations of an SCF or of charges, tblite's own default.
_MAX_CYCLE = 250


def cheap_method(level: str, electrons: ChargeAndSpin = CLOSED_SHELL, *, declared: bool = False) -> CheapMethod | None:
    """A level of theory as a function of positions, or None where it cannot be run.

    Args:
        level: its slug, for instance gfn2-xtb, so3lr or my_models:make.
        electrons: charge and spin of the molecules.
        declared: the user names the level in a sweep file or on the command line. A calculator of the user's that only
            a file of labels or a model names is not run unless `ASTEROID_STUDY_CALCULATORS` lists it: it is code.
    """
    if why_not(level, electrons, declared=declared) is not None:
        return None
    labellers: dict[bytes, Labeller] = {}
    method = Method(level, *electrons, max_cycle=_MAX_CYCLE)

    def compute(
        numbers: NDArray[np.int64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if numbers.ndim != 1:
            raise InputError(f"{level} takes one molecule at a time, found atoms of {len(numbers)} frames: label one")
        molecule = numbers.tobytes()
        if molecule not in labellers and len(positions):
            labellers[molecule] = open_labeller(method, numbers, positions[:1])
        energy, forces = np.empty(len(positions)), np.empty(positions.shape)
        for frame, at in enumerate(positions):
            try:
                energy[frame], forces[frame] = labellers[molecule](at)
            except NotConvergedError as error:
                raise InputError(
                    f"{level} must converge at every geometry, failed at frame {frame}: {error}: remove the frame"
                ) from error
        return energy, forces

    return compute


def why_not(level: str, electrons: ChargeAndSpin = CLOSED_SHELL, *, declared: bool = False) -> str | None:
    """What would make a level callable, for messages; None where it is.

    Args:
        level: its slug.
        electrons: charge and spin of the molecules.
        declared: as in `cheap_method`.
    """
    try:
        parts = [part.level for part in parse_parts(level)]
    except InputError:
        return _not_among_these(level)
    if any(not part.program.of_positions_alone for part in parts):
        return _not_among_these(level)
    if missing := next((part.program for part in parts if find_spec(part.program.module) is None), None):
        return f"install {missing.name} ({missing.install})"
    if electrons != CLOSED_SHELL and (closed := next((p for p in parts if not p.program.takes_charge), None)):
        return f"{closed.slug} is for neutral closed shells, the molecule has {electrons}"
    for part in parts:
        if is_import_path(part.slug) and not (declared or part.slug in _allowed()):
            return (
                f"{part.slug} is a calculator of yours, and a file names it: name it as 'level' of the cheap frames in "
                f"the sweep file or, where a model needs it, set {ALLOWED}={part.slug}"
            )
    return None


def live_programs(level: str) -> tuple[Program, ...]:
    """The programs that run at every prediction on top of a level."""
    return tuple(dict.fromkeys(part.level.program for part in parse_parts(level)))


def _allowed() -> list[str]:
    return [name.strip() for name in os.environ.get(ALLOWED, "").split(",")]


def _not_among_these(level: str) -> str:
    runnable = [name for known in PROGRAMS if known.of_positions_alone for name in known.listed]
    return f"{level} cannot be run by this package: only {', '.join(runnable)} and calculators module:function can"
