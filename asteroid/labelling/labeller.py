"""What every labeller is: a level, a method, and one frame labelled at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labels.label_set import FloatArray

    #: positions [A, 3] in Å -> energy in eV, forces [A, 3] in eV/Å (None of an energy alone); raises NotConvergedError.
    Labeller = Callable[[FloatArray], tuple[float, FloatArray | None]]


#: Iterations of the SCF, of the coupled-cluster equations and of xTB's charges before a frame counts as failed.
MAX_CYCLE = 100


_REASON_LENGTH = 300


class NotConvergedError(Exception):
    """The equations of the method have no solution within the allowed iterations: there is no label."""


@dataclass(frozen=True)
class Method:
    """How labels are computed: plain data that can be compared, written down and sent to workers.

    Attributes:
        level: slug of the level of theory.
        charge: total charge in elementary charges.
        unpaired: number of unpaired electrons (2S); 0 is a closed shell.
        max_cycle: iterations before a frame counts as failed; ignored by force fields and ASE calculators.
        calculator: `package.module:factory` of an ASE calculator, or None for the programs known by level.
        calculator_folder: folder to look for that module in, beside the installed packages.
        energies_alone: labels have no forces, which cost as much again, or several times that.
    """

    level: str
    charge: int = 0
    unpaired: int = 0
    max_cycle: int = MAX_CYCLE
    calculator: str | None = None
    calculator_folder: str | None = None
    energies_alone: bool = False


@dataclass(frozen=True, eq=False)
class Label:
    """A computed label.

    Attributes:
        energy_ev: energy in eV.
        forces_ev_ang: forces in eV/Å, shape [A, 3]; None of an energy alone.
        cpu_s: CPU seconds of the process.
    """

    energy_ev: float
    forces_ev_ang: FloatArray | None
    cpu_s: float


@dataclass(frozen=True)
class Failure:
    """A label that could not be computed.

    Attributes:
        reason: why, in one line.
        cpu_s: CPU seconds spent on it.
    """

    reason: str
    cpu_s: float


def label_frame(labeller: Labeller, positions: FloatArray) -> Label | Failure:
    """Compute one label and time it; whatever goes wrong with this geometry is a failure, never a label.

    Args:
        labeller: of `open_labeller`.
        positions: [A, 3] in Å.

    Raises:
        MemoryError, OSError: the machine is at fault, not the geometry.
    """
    began = time.process_time()
    try:
        energy, forces = labeller(positions)
    except (MemoryError, OSError, InputError):
        raise
    except NotConvergedError as error:
        return Failure(_one_line(str(error)), time.process_time() - began)
    except Exception as error:  # foreign programs raise whatever they like; the reason is kept with the frame
        return Failure(_one_line(f"{type(error).__name__}: {error}"), time.process_time() - began)
    cpu_s = time.process_time() - began
    if forces is None:
        return Label(float(energy), None, cpu_s) if np.isfinite(energy) else Failure("energy is NaN or infinite", cpu_s)
    forces = np.asarray(forces, dtype=np.float64)
    if forces.shape != positions.shape:
        return Failure(f"forces have the shape {list(forces.shape)}, not {list(positions.shape)}", cpu_s)
    if not (np.isfinite(energy) and np.isfinite(forces).all()):
        return Failure("energy or forces are NaN or infinite", cpu_s)
    return Label(float(energy), forces, cpu_s)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_REASON_LENGTH]
