"""The command `convert`: label files through all guards into npz or extended XYZ."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asteroid.errors import InputError
from sweeps.console import say

if TYPE_CHECKING:
    from collections.abc import Iterator

_VALUES = (
    *("energy_unit", "length_unit", "force_unit", "data_folder"),
    *("energy_key", "forces_key", "group_key", "numbers_key", "positions_key"),
)
#: What messages call keys of a sweep's label file, and the options of this command that do the same.
_OPTIONS = {
    "forces_are: gradients": "--gradients",
    "vacuum_box: true": "--vacuum-box",
    "vacuum_box": "--vacuum-box",
    "duplicates: drop": "--drop-duplicates",
    "set outliers: drop": "add --drop-outliers",
    "outliers: keep": "--keep-outliers",
    "declare level": "declare --level",
    "declare forces: none": "add --energies-alone",
    **{key: f"--{key.replace('_', '-')}" for key in _VALUES},
}
#: Such a key, with the colon where a value follows, but neither in quotes nor a part of a path or a file's name.
_KEY = re.compile(rf"(?<![\w'\"./-])({'|'.join(_OPTIONS)})(?:(: )(?=\w)|(?![\w'\"/]|\.\w))")

Unit = Annotated[str | None, typer.Option(help="Declared unit; default: the file's own.", metavar="UNIT")]
Key = Annotated[str | None, typer.Option(help="Where it is in the file, if not under a usual key.", metavar="KEY")]


def convert(
    labels: Annotated[str, typer.Argument(metavar="IN", help="Label file, or a set of MD17 by name (md17:ethanol).")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .npz, .xyz or .extxyz.")],
    level: Annotated[str | None, typer.Option(help="Level of theory, where the file does not state it.")] = None,
    energy_unit: Unit = None,
    length_unit: Unit = None,
    force_unit: Unit = None,
    energy_key: Key = None,
    forces_key: Key = None,
    group_key: Key = None,
    numbers_key: Key = None,
    positions_key: Key = None,
    gradients: Annotated[bool, typer.Option("--gradients", help="The file holds gradients instead of forces.")] = False,
    energies_alone: Annotated[
        bool, typer.Option("--energies-alone", help="Labels are energies without forces.")
    ] = False,
    vacuum_box: Annotated[
        bool, typer.Option("--vacuum-box", help="Take the molecule out of its periodic box.")
    ] = False,
    drop_duplicates: Annotated[
        bool, typer.Option("--drop-duplicates", help="Keep the first frame of each geometry.")
    ] = False,
    drop_outliers: Annotated[
        bool, typer.Option("--drop-outliers", help="Leave out single frames that are broken, and say which.")
    ] = False,
    keep_outliers: Annotated[
        bool, typer.Option("--keep-outliers", help="Believe single frames that the others contradict, and say which.")
    ] = False,
    data_folder: Annotated[Path | None, typer.Option(help="Where sets of MD17 are kept.", metavar="DIR")] = None,
) -> None:
    """Check a label file and write it in eV and Å, with its level, groups, frame numbers and measured times.

    The file may hold several molecules, or conformers of one with their atoms in different orders.

    Examples:

      asteroid-study convert OUTCAR labels.npz --level pbe --vacuum-box

      asteroid-study convert "md17:ethanol CCSD(T)" ethanol.xyz
    """
    from asteroid.checks import guards
    from asteroid.checks.data_card import label_card
    from asteroid.checks.single_frames import drop_broken_frames, dropped_notes
    from asteroid.io.declaration import Declaration
    from asteroid.io.electrons import charge_and_spin
    from asteroid.io.read import read_labels
    from asteroid.io.selection_rule import selection_rule_of
    from asteroid.io.write import write_labels
    from asteroid.labels.charge_and_spin import CLOSED_SHELL

    what = Path(labels).name
    if out.exists() and Path(labels).exists() and out.samefile(labels):
        raise InputError(f"OUT must be another file than IN, found {str(out)!r} twice: choose another name")
    with _options_for_keys():
        declared = Declaration(
            level=level,
            energy_unit=energy_unit,
            length_unit=length_unit,
            force_unit=force_unit,
            energy_key=energy_key,
            forces_key=forces_key,
            group_key=group_key,
            numbers_key=numbers_key,
            positions_key=positions_key,
            forces="none" if energies_alone else None,
            forces_are="gradients" if gradients else "forces",
            vacuum_box=vacuum_box,
            data_folder=data_folder,
        )
        loaded = read_labels(labels, declared, several=True)
        frames = loaded.labels
        if drop_duplicates and len(frames):
            guards.check_finite(frames, what)
            frames = guards.drop_duplicates(frames)[0]
        copies = len(loaded.labels) - len(frames)
        outlying: tuple[str, ...] = ()
        if drop_outliers and len(frames):
            guards.check_finite(frames, what)
            kept, broken = drop_broken_frames(frames)
            frames, outlying = kept, dropped_notes(frames, broken)
        rule = selection_rule_of(labels)
        checked = guards.check_labels(frames, what, energies_alone=energies_alone, keep_outliers=keep_outliers)
        card = label_card(frames, what, checked, rule)
    write_labels(frames, out, selection_rule=rule, electrons=charge_and_spin([loaded.electrons]) or CLOSED_SHELL)
    notes = [*loaded.notes, *([f"{copies} duplicate frames dropped"] if copies else []), *outlying]
    for line in (card.title(), f"  {loaded.units}", *(f"  {note}" for note in notes), *card.lines(), f"into {out}"):
        say(line)


@contextmanager
def _options_for_keys() -> Iterator[None]:
    """Let messages that name keys of a sweep file as their remedy name the options of this command."""
    try:
        yield
    except InputError as error:
        raise InputError(in_options(str(error))) from error


def in_options(message: str) -> str:
    """Turn keys of a sweep file into options: "energy_unit: kcal/mol" becomes "--energy-unit kcal/mol".

    Keys in quotes or in names of files are the user's own words and stay.
    """
    return _KEY.sub(lambda found: _OPTIONS[found[1]] + (" " if found[2] else ""), message)
