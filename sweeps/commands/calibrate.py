"""The command `calibrate`: what one label of each level costs on this machine, for the user's molecule."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asteroid.errors import InputError
from sweeps.console import note, say, say_json
from sweeps.options import AsJson, LengthUnit

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray
    from study.labelling.timing import LevelTiming

SCHEMA_VERSION = 1
#: Between levels, not inside of the brackets of 6-31G(d,p).
_COMMA = re.compile(r",(?![^()]*\))")


def calibrate(
    molecule: Annotated[Path, typer.Argument(metavar="MOLECULE", help="One geometry: .xyz.")],
    levels: Annotated[str, typer.Option(help="Levels of theory, with commas between them.")],
    larger: Annotated[
        Path | None,
        typer.Option(help="A larger molecule: a scenario of its prices by formal exponents.", metavar="OTHER"),
    ] = None,
    charge: Annotated[int | None, typer.Option(help="Total charge, of both molecules.")] = None,
    spin: Annotated[int | None, typer.Option(min=0, help="Number of unpaired electrons, of both molecules.")] = None,
    length_unit: LengthUnit = None,
    as_json: AsJson = False,
) -> None:
    """Time one label of each level on one thread of this machine, and print prices for sweep files and `--price`.

    With --larger, prices grow with the formal exponent of the method in the number of basis functions. Small molecules
    cost less than that says: it is a scenario, not a measurement.

    A sum of levels costs what its parts cost together, and is listed with them.

    Examples:

      asteroid-study calibrate methanol.xyz --levels gfn2-xtb,mp2/cc-pvdz,ccsd/cc-pvdz

      asteroid-study calibrate methanol.xyz --levels pbe/def2-svp,ccsd_t/cc-pvdz --larger ethanol.xyz --json

      asteroid-study calibrate methanol.xyz --levels "ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)"
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from study.labelling.geometry_files import read_molecule, stated_electrons
    from study.labelling.timing import larger_scenario, time_level

    names = _names(levels)
    numbers, positions = read_molecule(molecule, length_unit=length_unit)
    other = None if larger is None else read_molecule(larger, length_unit=length_unit)
    if larger is not None:
        stated_electrons(larger, charge, spin)
    charge, spin, taken = stated_electrons(molecule, charge, spin)
    if taken is not None:
        note(taken)
    _refuse_early(names, [(numbers, positions), *([other] if other is not None else [])], charge, spin)
    timings, scenarios = [], {}
    for name in names:
        note(f"timing {name}")
        timings.append(time_level(name, numbers, positions, charge, spin))
        if other is not None:
            scenarios[name] = larger_scenario(timings[-1], *other, charge, spin)
    summary = _summary(molecule, timings, larger, scenarios)
    if as_json:
        say_json(summary)
        return
    _show(summary)


def _names(levels: str) -> list[str]:
    from asteroid.labelling.levels import computable_level

    names = list(dict.fromkeys(computable_level(name) for name in _COMMA.split(levels) if name.strip()))
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


def _summary(
    molecule: Path, timings: list[LevelTiming], larger: Path | None, scenarios: dict[str, tuple[int, float]]
) -> dict[str, Any]:
    from study.labelling.timing import price_text
    from study.run.hardware import processor

    rows = {
        t.level: {
            "cpu_s": t.cpu_s,
            "price": price_text(t.cpu_s),
            "repeats": t.repeats,
            "basis_functions": t.functions,
            "formal_exponent": t.exponent,
        }
        | ({"parts": {part.level: part.cpu_s for part in t.parts}} if t.parts else {})
        for t in timings
    }
    summary: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "molecule": molecule.name,
        "machine": f"{processor()}, one thread",
        "levels": rows,
        "prices": {t.level: price_text(t.cpu_s) for t in timings},
        "options": [f"--price {shlex.quote(f'{t.level}={price_text(t.cpu_s)}')}" for t in timings],
    }
    if larger is not None:
        summary["scenario"] = {
            "kind": "scenario: cost ~ n^k with the formal exponent k, not measured",
            "molecule": larger.name,
            "levels": {
                name: {"cpu_s": cpu_s, "price": price_text(cpu_s), "basis_functions": functions}
                for name, (functions, cpu_s) in scenarios.items()
            },
        }
    return summary


def _show(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from study.labelling.timing import price_text

    scenario = summary.get("scenario")
    table = Table(title=f"One label of {summary['molecule']} on {summary['machine']}", title_justify="left")
    for name in ("level", "functions", "CPU a label", "repeats"):
        table.add_column(name, justify="left" if name == "level" else "right", no_wrap=name != "level")
    if scenario:
        table.add_column(f"{scenario['molecule']}: scenario", justify="right", no_wrap=True)
    for name, row in summary["levels"].items():
        cells = [name, str(row["basis_functions"]), row["price"], str(row["repeats"])]
        if scenario:
            there = scenario["levels"][name]
            how = "its parts" if row["formal_exponent"] is None else f"n^{row['formal_exponent']}"
            cells.append(f"{there['price']} ({there['basis_functions']}, {how})")
        table.add_row(*cells)
        for part, cpu_s in row.get("parts", {}).items():
            table.add_row(f"  {part}", "", price_text(cpu_s))
    Console().print(table)
    say("in a sweep file, under data: prices: {" + ", ".join(f"{k}: {v}" for k, v in summary["prices"].items()) + "}")
    say("or on the command line: " + " ".join(summary["options"]))
    if scenario:
        say(
            f"scenario for {scenario['molecule']}: cost ~ n^k with the formal exponent, not measured; small molecules "
            "cost less than it says"
        )
