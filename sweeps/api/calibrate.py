"""`calibrate`: what one label of each level costs on this machine, for the user's molecule."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from sweeps.listening import unheard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from asteroid.labels.label_set import FloatArray, IntArray
    from study.labelling.timing import LevelTiming
    from sweeps.quantities import FilePath

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Calibration:
    """Measured prices.

    Attributes:
        molecule: name of the molecule's file.
        machine: what they were measured on.
        timings: one for each level.
        larger: name of the larger molecule's file; None without one.
        scenarios: by level, (basis functions, CPU seconds) of the larger molecule by formal exponents, not measured.
    """

    molecule: str
    machine: str
    timings: tuple[LevelTiming, ...]
    larger: str | None
    scenarios: dict[str, tuple[int, float]]

    @property
    def prices(self) -> dict[str, str]:
        """Price of one label by level, as sweep files, `plan` and `report` take it."""
        from study.labelling.timing import price_text

        return {timing.level: price_text(timing.cpu_s) for timing in self.timings}

    @property
    def table(self) -> pd.DataFrame:
        """One row for each level: CPU seconds of a label, price, repeats, basis functions, formal exponent."""
        import pandas as pd

        return pd.DataFrame([{"level": level, **row} for level, row in self.to_json()["levels"].items()])

    def to_json(self) -> dict[str, Any]:
        """Plain data, as the command prints it."""
        from study.labelling.timing import price_text

        rows = {
            timing.level: {
                "cpu_s": timing.cpu_s,
                "price": price_text(timing.cpu_s),
                "repeats": timing.repeats,
                "basis_functions": timing.functions,
                "formal_exponent": timing.exponent,
            }
            | ({"energy_cpu_s": timing.energy_cpu_s} if timing.energy_cpu_s is not None else {})
            | ({"parts": {part.level: part.cpu_s for part in timing.parts}} if timing.parts else {})
            for timing in self.timings
        }
        told: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "molecule": self.molecule,
            "machine": self.machine,
            "levels": rows,
            "prices": self.prices,
            "options": [f"--price {shlex.quote(f'{level}={price}')}" for level, price in self.prices.items()],
        }
        if self.larger is not None:
            told["scenario"] = {
                "kind": "scenario: cost ~ n^k with the formal exponent k, not measured",
                "molecule": self.larger,
                "levels": {
                    level: {"cpu_s": cpu_s, "price": price_text(cpu_s), "basis_functions": functions}
                    for level, (functions, cpu_s) in self.scenarios.items()
                },
            }
        return told


def calibrate(
    molecule: FilePath,
    levels: str | Sequence[str],
    *,
    larger: FilePath | None = None,
    charge: int | None = None,
    spin: int | None = None,
    length_unit: str | None = None,
    energies: bool = False,
    on_line: Callable[[str], None] | None = None,
) -> Calibration:
    """Time one label of each level on one thread of this machine.

    Args:
        molecule: one geometry, .xyz.
        levels: levels of theory; in text with commas between them.
        larger: a larger molecule, for a scenario of its prices by formal exponents. Small molecules cost less than that
            says: it is no measurement.
        charge: total charge, of both molecules; None: what the file states, else 0.
        spin: number of unpaired electrons, of both molecules; None: likewise.
        length_unit: unit of length of a file that does not say it; of XYZ it is Å.
        energies: time an energy without forces as well.
        on_line: told what is being timed.

    Raises:
        InputError: a file or a level that cannot be used, or a level that fails for this geometry.
    """
    from study.run.hardware import processor, use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from study.labelling.geometry_files import read_molecule, stated_electrons
    from study.labelling.timing import larger_scenario, time_level

    tell, path = on_line or unheard, Path(molecule)
    names = _names(levels if isinstance(levels, str) else ",".join(levels))
    numbers, positions = read_molecule(path, length_unit=length_unit, on_note=tell)
    other = None if larger is None else read_molecule(Path(larger), length_unit=length_unit, on_note=tell)
    if larger is not None:
        stated_electrons(Path(larger), charge, spin)
    charge, spin, taken = stated_electrons(path, charge, spin)
    if taken is not None:
        tell(taken)
    _refuse_early(names, [(numbers, positions), *([other] if other is not None else [])], charge, spin)
    timings, scenarios = [], {}
    for name in names:
        tell(f"timing {name}")
        timings.append(time_level(name, numbers, positions, charge, spin, energies=energies))
        if other is not None:
            scenarios[name] = larger_scenario(timings[-1], *other, charge, spin)
    there = None if larger is None else Path(larger).name
    return Calibration(path.name, f"{processor()}, one thread", tuple(timings), there, scenarios)


def _names(levels: str) -> list[str]:
    from asteroid.labelling.levels import listed_levels

    names = listed_levels(levels)
    if not names:
        raise InputError(
            f"--levels names at least one level, found {levels!r}: write for instance gfn2-xtb,mp2/cc-pvdz"
        )
    return names


def _refuse_early(names: list[str], molecules: list[tuple[IntArray, FloatArray]], charge: int, spin: int) -> None:
    """Mistakes in any level are told before the first one is timed."""
    from asteroid.labelling.labeller import Method
    from asteroid.labelling.open_labeller import open_labeller

    for numbers, positions in molecules:
        for name in names:
            open_labeller(Method(name, charge, spin), numbers, positions[None])
