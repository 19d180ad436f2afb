"""What one label costs here: measured for a molecule, and as a scenario for a larger one."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Method, label_frame
from asteroid.labelling.levels import parse_parts
from asteroid.labelling.open_labeller import open_labeller
from asteroid.labels.level_names import normalise_level

if TYPE_CHECKING:
    from asteroid.labelling.program import Level
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
        functions: basis functions of the molecule (atoms, for force fields); of a sum of levels those of the largest.
        exponent: formal exponent of the cost in that number; None of a sum of levels.
        parts: of a sum of levels, each by itself; its own price is theirs together.
        energy_cpu_s: CPU seconds of an energy alone; None where it was not asked for.
    """

    level: str
    cpu_s: float
    repeats: int
    functions: int
    exponent: int | None
    parts: tuple[LevelTiming, ...] = ()
    energy_cpu_s: float | None = None


def time_level(
    level_text: str,
    numbers: IntArray,
    positions: FloatArray,
    charge: int,
    unpaired: int,
    *,
    energies: bool = False,
) -> LevelTiming:
    """Time one label of a molecule.

    Args:
        level_text: the level.
        numbers: atomic numbers [A].
        positions: [A, 3] in Å.
        charge: total charge.
        unpaired: number of unpaired electrons.
        energies: time an energy without forces as well.

    Raises:
        InputError: the level cannot be computed here or fails for this geometry.
    """
    whole = _time_sum(level_text, numbers, positions, charge, unpaired)
    if not energies:
        return whole
    alone = _time_sum(level_text, numbers, positions, charge, unpaired, energies_alone=True)
    return replace(whole, energy_cpu_s=alone.cpu_s)


def _time_sum(
    level_text: str,
    numbers: IntArray,
    positions: FloatArray,
    charge: int,
    unpaired: int,
    *,
    energies_alone: bool = False,
) -> LevelTiming:
    methods = [(part.level, Method(part.level.slug, charge, unpaired)) for part in parse_parts(level_text)]
    parts = tuple(
        _time_part(level, replace(method, energies_alone=energies_alone), numbers, positions)
        for level, method in methods
    )
    if len(parts) == 1:
        return parts[0]
    return LevelTiming(
        level=normalise_level(level_text),
        cpu_s=sum(part.cpu_s for part in parts),
        repeats=min(part.repeats for part in parts),
        functions=max(part.functions for part in parts),
        exponent=None,
        parts=parts,
    )


def _time_part(level: Level, method: Method, numbers: IntArray, positions: FloatArray) -> LevelTiming:
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
    functions = level.program.count_functions(method, level, numbers, positions)
    return LevelTiming(level.slug, statistics.median(times), len(times), functions, level.formal_exponent)


def count_functions(level_text: str, numbers: IntArray, positions: FloatArray, charge: int, unpaired: int) -> int:
    """Basis functions of a molecule at a level; atoms for a force field; of a sum of levels those of the largest.

    Raises:
        InputError: the basis lacks an element.
    """
    return max(
        part.level.program.count_functions(Method(part.level.slug, charge, unpaired), part.level, numbers, positions)
        for part in parse_parts(level_text)
    )


def larger_scenario(
    timing: LevelTiming, numbers: IntArray, positions: FloatArray, charge: int, unpaired: int
) -> tuple[int, float]:
    """Functions and CPU seconds of a label of a larger molecule; a sum of levels costs what its parts cost.

    Raises:
        InputError: a basis lacks an element.
    """
    if timing.parts:
        found = [larger_scenario(part, numbers, positions, charge, unpaired) for part in timing.parts]
        return max(functions for functions, _ in found), sum(cpu_s for _, cpu_s in found)
    functions = count_functions(timing.level, numbers, positions, charge, unpaired)
    return functions, scenario_cpu_s(timing, functions)


def scenario_cpu_s(timing: LevelTiming, functions: int) -> float:
    """CPU seconds of a label for a molecule with another number of functions, if the formal exponent held.

    It does not hold for small molecules, whose cost grows more slowly: this is a scenario, never a measurement.
    """
    assert timing.exponent is not None
    return timing.cpu_s * (functions / timing.functions) ** timing.exponent


def price_text(cpu_s: float) -> str:
    """A price as sweep files and `--price` read it: "28s", "1.4ms"."""
    if cpu_s < 1e-3:
        return f"{cpu_s * 1e6:.3g}us"
    return f"{cpu_s * 1e3:.3g}ms" if cpu_s < 1 else f"{float(f'{cpu_s:.3g}'):g}s"
