"""What one label costs here: measured for a molecule, and as a scenario for a larger one."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Method, label_frame
from asteroid.labelling.levels import parse_level
from asteroid.labelling.open_labeller import open_labeller

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray

#: Labels are repeated until they have taken so long together, or so often: cheap ones need the average.
_ENOUGH_S = 1.0
_MOST_REPEATS = 50
#: A label that takes longer is timed once; the first of the others is thrown away, as it loads libraries.
_ONCE_S = 5.0


@dataclass(frozen=True)
class LevelTiming:
    """A measured price.

    Attributes:
        level: slug of the level.
        cpu_s: CPU seconds of one label (energy and forces) on one thread; median over the repeats.
        repeats: labels that were timed.
        functions: basis functions of the molecule (atoms, for force fields); None for a calculator.
        exponent: formal exponent of the cost in that number.
    """

    level: str
    cpu_s: float
    repeats: int
    functions: int
    exponent: int


def time_level(level_text: str, numbers: IntArray, positions: FloatArray, charge: int, unpaired: int) -> LevelTiming:
    """Time one label of a molecule.

    Args:
        level_text: the level.
        numbers: atomic numbers [A].
        positions: [A, 3] in Å.
        charge: total charge.
        unpaired: number of unpaired electrons.

    Raises:
        InputError: the level cannot be computed here or fails for this geometry.
    """
    level = parse_level(level_text)
    method = Method(level.slug, charge, unpaired)
    labeller = open_labeller(method, numbers, positions[None])
    times: list[float] = []
    first = True
    while first or (sum(times) < _ENOUGH_S and len(times) < _MOST_REPEATS):
        outcome = label_frame(labeller, positions)
        if isinstance(outcome, Failure):
            raise InputError(f"{level.slug} fails for this geometry ({outcome.reason}): give a relaxed one")
        if not first or outcome.cpu_s > _ONCE_S:
            times.append(outcome.cpu_s)
        first = False
    functions = count_functions(level.slug, numbers, positions, charge, unpaired)
    return LevelTiming(level.slug, statistics.median(times), len(times), functions, level.formal_exponent)


def count_functions(level_text: str, numbers: IntArray, positions: FloatArray, charge: int, unpaired: int) -> int:
    """Basis functions of a molecule at a level; atoms for a force field.

    Raises:
        InputError: the basis lacks an element.
    """
    level = parse_level(level_text)
    return level.program.count_functions(Method(level.slug, charge, unpaired), level, numbers, positions)


def scenario_cpu_s(timing: LevelTiming, functions: int) -> float:
    """CPU seconds of a label for a molecule with another number of functions, if the formal exponent held.

    It does not hold for small molecules, whose cost grows more slowly: this is a scenario, never a measurement.
    """
    return timing.cpu_s * (functions / timing.functions) ** timing.exponent


def price_text(cpu_s: float) -> str:
    """A price as sweep files and `--price` read it: "28s", "1.4ms"."""
    if cpu_s < 1e-3:
        return f"{cpu_s * 1e6:.3g}us"
    return f"{cpu_s * 1e3:.3g}ms" if cpu_s < 1 else f"{float(f'{cpu_s:.3g}'):g}s"
