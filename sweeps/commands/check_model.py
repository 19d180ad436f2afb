"""The command `check-model`: relaxed geometry, harmonic frequencies and NVE drift, beside a level of theory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeps.console import note, say, say_json
from sweeps.options import LengthUnit, ModelFolder

if TYPE_CHECKING:
    from study.use.model_check import ModelCheck


def check_model(
    model: ModelFolder,
    start: Annotated[
        Path | None, typer.Option(help="Geometry to relax from; default: the first training geometry.")
    ] = None,
    level: Annotated[
        str | None, typer.Option(help="Level of theory to compare with; it is computed here.", metavar="gfn2-xtb")
    ] = None,
    nve: Annotated[str, typer.Option(help="Length of the NVE trajectory at 300 K; 0ps: none.")] = "5ps",
    length_unit: LengthUnit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Check a model: its relaxed geometry and harmonic frequencies, beside a level of theory, and its energy drift.

    Examples:

      asteroid-study check-model model --level gfn2-xtb

      asteroid-study check-model model --level ccsd_t/cc-pvdz --start methanol.xyz
    """
    from asteroid.deploy.folder import read_force_field
    from asteroid.deploy.known_molecules import one_molecule
    from study.labelling.geometry_files import read_molecule
    from study.use.model_check import check_model as checked
    from study.use.model_check import nve_drift
    from study.use.same_molecule import refuse_other_electrons
    from sweeps.progress import Ticker
    from sweeps.times import parse_fs

    time_fs = parse_fs(nve, "--nve")
    force_field = read_force_field(model)
    known = one_molecule(force_field.trained_on)
    numbers, positions = known.numbers, known.positions[0]
    if start is not None:
        numbers, positions = read_molecule(start, length_unit=length_unit, on_note=note)
        refuse_other_electrons(force_field, start)
    done = 0
    with Ticker() as ticker:

        def count() -> None:
            nonlocal done
            done += 1
            ticker.show(f"{done}/{6 * len(numbers)} labels of {level}")

        found = checked(force_field, numbers, positions, level, count)
    drift = nve_drift(force_field, numbers, found.model.positions, time_fs) if time_fs > 0 else None
    if as_json:
        say_json(_plain(found, drift))
        return
    for line in _lines(found, force_field.level):
        say(line)
    if drift is not None:
        say(f"NVE at 300 K, {time_fs / 1000:g} ps: drift {drift:.2g} meV/atom/ps")


def _plain(found: ModelCheck, drift: float | None) -> dict[str, object]:
    other = found.reference
    return {
        "model": {"energy_ev": found.model.energy_ev, "frequencies_per_cm": found.model.frequencies.tolist()},
        "level": found.level,
        "reference": None
        if other is None
        else {"energy_ev": other.energy_ev, "frequencies_per_cm": other.frequencies.tolist()},
        "rmsd_ang": None if other is None else found.rmsd_ang,
        "frequency_mae_per_cm": None if other is None else found.frequency_mae,
        "drift_mev_atom_ps": drift,
    }


def _lines(found: ModelCheck, own_level: str) -> list[str]:
    other = found.reference
    lines = [f"relaxed geometry: {found.model.energy_ev:.6f} eV"]
    rows: list[tuple[str, ...]] = [("mode", "model (1/cm)")]
    rows += [(str(k), f"{value:.1f}") for k, value in enumerate(found.model.frequencies, 1)]
    if other is not None:
        stands = "" if found.level == own_level else f" (the model stands for {own_level})"
        lines[0] += f"; {found.rmsd_ang:.4f} Å from that of {found.level}{stands}"
        pairs = zip(other.frequencies, other.frequencies - found.model.frequencies, strict=True)
        more = [(f"{found.level}", "off"), *((f"{value:.1f}", f"{-off:+.1f}") for value, off in pairs)]
        rows = [(*row, *others) for row, others in zip(rows, more, strict=True)]
        lines.append(f"harmonic frequencies: {found.frequency_mae:.1f} 1/cm off on average")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return lines + ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
