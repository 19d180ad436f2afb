"""The command `calibrate`: what one label of each level costs on this machine, for the user's molecule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sweeps.api import calibrate as api
from sweeps.console import note, say, say_json
from sweeps.options import AsJson, LengthUnit


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
    energies: Annotated[bool, typer.Option("--energies", help="Time an energy without forces as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Time one label of each level on one thread of this machine, and print prices for sweep files and `--price`.

    With --larger, prices grow with the formal exponent of the method in the number of basis functions. Small molecules
    cost less than that says: it is a scenario, not a measurement.

    A sum of levels costs what its parts cost together, and is listed with them.

    Examples:

      asteroid-study calibrate methanol.xyz --levels gfn2-xtb,mp2/cc-pvdz,ccsd/cc-pvdz

      asteroid-study calibrate methanol.xyz --levels pbe/def2-svp,ccsd_t/cc-pvdz --larger ethanol.xyz --json

      asteroid-study calibrate methanol.xyz --levels ccsd/cc-pvdz --energies

      asteroid-study calibrate methanol.xyz --levels "ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)"
    """
    found = api.calibrate(
        molecule,
        levels,
        larger=larger,
        charge=charge,
        spin=spin,
        length_unit=length_unit,
        energies=energies,
        on_line=note,
    )
    if as_json:
        say_json(found.to_json())
        return
    _show(found.to_json())


def _show(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from study.labelling.timing import price_text

    scenario = summary.get("scenario")
    table = Table(title=f"One label of {summary['molecule']} on {summary['machine']}", title_justify="left")
    for name in ("level", "functions", "CPU a label", "repeats"):
        table.add_column(name, justify="left" if name == "level" else "right", no_wrap=name != "level")
    alone = any("energy_cpu_s" in row for row in summary["levels"].values())
    if alone:
        table.add_column("an energy alone", justify="right", no_wrap=True)
    if scenario:
        table.add_column(f"{scenario['molecule']}: scenario", justify="right", no_wrap=True)
    for name, row in summary["levels"].items():
        cells = [name, str(row["basis_functions"]), row["price"], str(row["repeats"])]
        if alone:
            cells.append(price_text(row["energy_cpu_s"]))
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
