"""How labels are computed, from the arguments of whatever labels, samples or times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labelling.labeller import Method


def make_method(
    geometries: Path,
    level: str,
    charge: int | None,
    spin: int | None,
    max_cycle: int,
    calculator: str | None,
    tell: Callable[[str], None],
    *,
    energies_alone: bool = False,
) -> Method:
    """How labels are computed, the charge that the geometries' file states included.

    Args:
        geometries: their file.
        level: level of theory.
        charge: total charge; None: what the file states, else 0.
        spin: number of unpaired electrons; None: likewise.
        max_cycle: iterations before a geometry counts as failed.
        calculator: function that makes an ASE calculator, MODULE:FACTORY, found from the current folder too.
        tell: told what was taken from the file.
        energies_alone: leave forces out.

    Raises:
        InputError: no such level, or the file states another charge or spin.
    """
    from asteroid.labelling.labeller import Method
    from asteroid.labelling.levels import computable_level
    from asteroid.labels.level_names import normalise_level
    from study.labelling.geometry_files import stated_electrons

    charge, spin, taken = stated_electrons(geometries, charge, spin)
    if taken is not None:
        tell(taken)
    if calculator is not None:
        return Method(normalise_level(level), charge, spin, max_cycle, calculator, str(Path.cwd()), energies_alone)
    folder = str(Path.cwd())
    return Method(
        computable_level(level), charge, spin, max_cycle, calculator_folder=folder, energies_alone=energies_alone
    )
