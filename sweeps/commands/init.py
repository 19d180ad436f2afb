"""The command `init`: a first sweep or study file, drafted from label files or from one geometry."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asteroid.errors import InputError, UndeclaredError
from sweeps.console import note, say
from sweeps.drafting import (
    Declared,
    declared_values,
    draft_purchase,
    draft_sweep,
    refuse_before_sampling,
    still_wanted,
    write_draft,
)
from sweeps.options import Charge, LengthUnit, Spin

if TYPE_CHECKING:
    from collections.abc import Mapping


def init(
    accurate: Annotated[str | None, typer.Option(help="Accurate labels: any readable file.", metavar="FILE")] = None,
    cheap: Annotated[str | None, typer.Option(help="Cheap labels: any readable file.", metavar="FILE")] = None,
    geometry: Annotated[
        Path | None,
        typer.Option(help="One geometry: cheap frames are sampled from it with GFN2-xTB first.", metavar="MOLECULE"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("study.yaml"),
    buy: Annotated[
        bool, typer.Option("--buy", help="Draft a purchase, also where the labels suffice for a study.")
    ] = False,
    level: Annotated[str | None, typer.Option(help="Level to buy, where no accurate labels tell it.")] = None,
    price: Annotated[
        str | None, typer.Option(help="Price of a label to buy; else one is timed.", metavar="28s")
    ] = None,
    say_of: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="What a file does not tell, as in a sweep file. May be repeated.", metavar="ROLE.KEY=VALUE"
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Temperature of the sampling in kelvin.", metavar="K")] = 500.0,
    frames: Annotated[int, typer.Option(min=100, help="Frames to sample in all, in four replicas.")] = 6000,
    length_unit: LengthUnit = None,
    charge: Charge = None,
    spin: Spin = None,
    workers: Annotated[int, typer.Option(min=1, help="Ray workers for the sampling, one core each.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: what is missing is an error.")] = False,
) -> None:
    """Draft a commented sweep file from two label files, or the study file of a purchase, and say the next command.

    The files are read through all guards. What they tell (units, levels, prices, groups, size of the molecule) is not
    asked for; what they do not tell is given by --set: a terminal is asked for each, else all of it is named at once.

    Examples:

      asteroid-study init --accurate ccsd_t.npz --cheap pool.xyz

      asteroid-study init --accurate cc.xyz --cheap dft.npz --set accurate.price=10min --set cheap.level=pbe/def2-svp

      asteroid-study init --geometry methanol.xyz --level ccsd_t/cc-pvdz --out methanol.yaml --workers 2

      asteroid-study init --cheap pool.npz --level "CCSD(T)/cc-pVTZ" --price 2h --out study.yaml
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    if out.exists():
        raise InputError(f"{out} is there already: choose another file with --out, or remove it")
    if cheap is not None and geometry is not None:
        raise InputError("cheap frames come from a file or are sampled, found --cheap and --geometry: remove one")
    if cheap is None and geometry is None:
        raise InputError("a study needs cheap frames: name a file with --cheap, or a molecule with --geometry")
    said = declared_values(say_of or [])
    said["buy"] |= {key: value for key, value in (("level", level), ("price", price)) if value is not None}
    asks = not yes and sys.stdin.isatty()
    if geometry is not None:
        cheap = str(
            _sampled(
                geometry,
                length_unit,
                out,
                temperature,
                frames,
                (charge, spin),
                workers,
                said["buy"] if accurate is None else None,
                asks=asks,
            )
        )
    given = Declared(accurate, str(cheap), said, charge, spin)
    while True:
        try:
            draft = draft_purchase(given, out) if buy or accurate is None else draft_sweep(given, out)
            break
        except UndeclaredError:
            wanted = still_wanted(given)
            if not wanted:
                raise
            given = given.with_said(_answers(wanted, asks=asks))
        except InputError as error:
            if not asks:
                raise
            given = _with_answer(given, error)
    write_draft(draft, out)
    for line in (
        *draft.card,
        "",
        *draft.text.splitlines(),
        "",
        f"{out}: drafted and checked; next:",
        *draft.next_lines,
    ):
        say(line)


def _answers(wanted: Mapping[str, str], *, asks: bool) -> dict[str, dict[str, str]]:
    """Ask for everything that the label files leave open; without a terminal, name it all at once.

    Raises:
        InputError: nobody can be asked, or an answer is empty.
    """
    words = " ".join(f"--set {shlex.quote(f'{key}={example}')}" for key, example in wanted.items())
    missing = InputError(
        f"the label files do not state everything: add {words} (examples: replace them by what is true of your files)"
    )
    if not asks:
        raise missing
    answers = []
    for key, example in wanted.items():
        answer = typer.prompt(f"{key} (for instance {example}; empty: stop)", default="", show_default=False)
        if not answer.strip():
            raise missing
        answers.append(f"{key}={answer}")
    return declared_values(answers)


def _with_answer(given: Declared, error: InputError) -> Declared:
    """Ask for what is missing; an empty answer ends the command with the error."""
    note(f"missing: {error}")
    answer = typer.prompt(
        "what it is, as ROLE.KEY=VALUE with accurate, cheap or buy (accurate.price=28s; empty: stop)",
        default="",
        show_default=False,
    )
    if not answer.strip():
        raise error
    return given.with_said(declared_values([answer]))


def _sampled(
    geometry: Path,
    length_unit: str | None,
    out: Path,
    temperature: float,
    frames: int,
    asked: tuple[int | None, int | None],
    workers: int,
    buy: Mapping[str, str] | None,
    *,
    asks: bool,
) -> Path:
    """Cheap frames beside the study file; a killed sampling goes on, a finished one is used again."""
    from asteroid.labelling.labeller import Method
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from study.labelling.geometry_files import read_molecule, stated_electrons
    from study.labelling.sample_run import SampleJob, refuse_other_samples
    from study.labelling.work_folder import work_folder
    from sweeps.sampling import make_dynamics, sample_into

    pool = out.with_name(f"{geometry.stem}_gfn2-xtb.npz")
    numbers, start = read_molecule(geometry, length_unit=length_unit, on_note=note)
    dynamics = make_dynamics(temperature, "0.5fs", 0.01, "10fs", "3ps", 0)
    charge, unpaired, taken = stated_electrons(geometry, *asked)
    if taken is not None:
        note(taken)
    job = SampleJob(numbers, start, Method("gfn2-xtb", charge, unpaired), dynamics, 4, -(-frames // 4))
    if pool.exists():
        refuse_other_samples(job, work_folder(pool))
        note(f"{pool} is there already and is used: remove it to sample anew")
        return pool
    if buy is not None:
        refuse_before_sampling(buy, numbers, start, ChargeAndSpin(charge, unpaired), asks=asks)
    sample_into(pool, job, geometry, workers)
    return pool
