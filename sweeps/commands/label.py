"""The command `label`: energies and forces of the user's own geometries at any level, with their price."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from sweeps.api import label as api
from sweeps.console import note, say
from sweeps.options import Calculator, Charge, LengthUnit, MaxCycle, Spin
from sweeps.resume import stops_with_a_hint


def label(
    geometries: Annotated[Path, typer.Argument(metavar="GEOMETRIES", help="Geometries: .xyz, .extxyz or .npz.")],
    level: Annotated[str, typer.Option(help="Level of theory, METHOD[/BASIS].", metavar="ccsd_t/cc-pvdz")],
    out: Annotated[Path, typer.Option("--out", help="Labels: .npz, or .xyz and .extxyz.")],
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Label a subset; a larger one contains it. Default: all.")
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            help="Rule of the subset: random, or farthest for frames far from each other (not for learning curves).",
            metavar="random|farthest",
        ),
    ] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of a random subset.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Ray workers, one core each; 1 labels in this process.")] = 1,
    calculator: Calculator = None,
    charge: Charge = None,
    spin: Spin = None,
    max_cycle: MaxCycle = 100,
    length_unit: LengthUnit = None,
    group_key: Annotated[str | None, typer.Option(help="Key of the groups (replicas, time blocks).")] = None,
    energies: Annotated[bool, typer.Option("--energies", help="Compute energies without forces.")] = False,
) -> None:
    """Compute energies and forces of geometries; run again after a kill, it goes on, and with a larger --n it adds.

    Levels: uff, mmff94 (RDKit), gfn1-xtb, gfn2-xtb (tblite), and with a basis hf, pbe, b3lyp, mp2, ccsd, ccsd_t
    (PySCF; frozen core, density fitting for PBE), and sums of these. Calculations that do not converge are listed in a
    file of their own.

    Examples:

      asteroid-study label pool.npz --level ccsd_t/cc-pvdz --n 200 --out labels.npz --workers 2

      asteroid-study label pool.npz --level mp2/cc-pvdz --n 200 --select farthest --out spread.npz

      asteroid-study label pool.npz --level ccsd_t/cc-pvdz --n 200 --energies --out energies.npz

      asteroid-study label pool.npz --level "ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)" --out better.npz

      asteroid-study label frames.xyz --level mace/large --calculator my_models:make --out labels.extxyz
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from sweeps.progress import Ticker, label_progress_line

    with stops_with_a_hint("finished labels are kept"), Ticker() as ticker:
        found = api.label(
            geometries,
            level=level,
            out=out,
            n=n,
            select=cast("Literal['random', 'farthest']", select),
            seed=seed,
            workers=workers,
            calculator=calculator,
            charge=charge,
            spin=spin,
            max_cycle=max_cycle,
            length_unit=length_unit,
            group_key=group_key,
            energies=energies,
            on_progress=lambda progress: ticker.show(label_progress_line(progress)),
            on_line=note,
        )
    for line in found.said:
        say(line)
