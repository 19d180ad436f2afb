"""Outputs of programs, several of them put together perhaps: every job is whole before ASE reads its pieces.

ASE's readers collect geometries, energies and forces of a file and put the last ones seen together. Where a job of
several died in between, the geometry of one and the forces of another make a frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.method_names import method_names
from asteroid.io.xyz_text import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE_MAX = 1_000_000


@dataclass(frozen=True)
class _Program:
    """Lines by which the parts of an output are told; None where they cannot be.

    Attributes:
        unconverged: what says that energies and forces are not those of the method.
        asked: what repeats the user's choice of method.
    """

    start: str
    geometry: str | None = None
    energy: str | None = None
    forces: str | None = None
    end: str | None = None
    unconverged: str | None = None
    asked: str | None = None


#: By ASE's name of the format.
_PROGRAMS = {
    "orca-output": _Program(
        r"\* +O +R +C +A +\*",
        r"CARTESIAN COORDINATES \(ANGSTROEM\)",
        r"FINAL SINGLE POINT ENERGY",
        r"CARTESIAN GRADIENT",
        r"ORCA TERMINATED NORMALLY",
        r"SCF NOT CONVERGED AFTER|The wavefunction IS NOT CONVERGED",
        r"^\|\s*\d+>\s*!",
    ),
    "gaussian-out": _Program(
        r"Entering Gaussian System",
        r"(Input|Standard|Z-Matrix) orientation:",
        r"SCF Done:|EUMP2|CCSD\(T\)=",
        r"Forces \(Hartrees/Bohr\)",
        r"Normal termination of Gaussian",
        r"Convergence criterion not met|Convergence failure",
        r"^ #[pnt]?\s",
    ),
    "vasp-out": _Program(r"^ vasp\.\d", None, None, r"TOTAL-FORCE \(eV/Angst\)", None),
    "vasp-xml": _Program(r"<modeling>", None, None, None, r"</modeling>"),
    "aims-output": _Program(r"Invoking FHI-aims", None, None, None, r"Have a nice day"),
    "nwchem-out": _Program(r"Northwest Computational Chemistry Package", None, None, None, r"Total times  cpu:"),
    "gamess-us-out": _Program(r"GAMESS VERSION", None, None, None, r"TERMINATED NORMALLY"),
    "espresso-out": _Program(r"Program PWSCF .* starts", None, None, None, r"JOB DONE"),
    "castep-castep": _Program(r"CCC +AA +SSS +TTTTT +EEEEE +PPPP", None, None, None, r"Total time +="),
    "gpaw-out": _Program(r"___ ___ ___ _ _ _", None, None, None, r"^Date: "),
}


def check_output(path: Path, name: str) -> int | None:
    """Go through an output line by line.

    Args:
        path: the file.
        name: ASE's name of its format.

    Returns:
        How many frames with forces it has; None where this cannot be told.

    Raises:
        InputError: a job did not end normally or lacks a geometry, an energy or forces, or several outputs of a program
            whose parts are not told apart are put together.
    """
    program = _PROGRAMS.get(name)
    if program is None:
        return None
    jobs = _jobs(path, program)
    if len(jobs) > 1 and program.geometry is None:
        raise InputError(
            f"{path.name} must be one output of {name}, found {len(jobs)} put together: convert each by itself"
        )
    for number, job in enumerate(jobs):
        job.refuse_parts(path, number if len(jobs) > 1 else None, program)
    _refuse_other_methods(path, jobs)
    return None if program.forces is None else sum(job.frames for job in jobs)


@dataclass
class _Job:
    """What was seen of one job.

    Attributes:
        line: where it starts.
        frames: sets of forces so far.
        geometry: whether there is a geometry since the last forces.
        energy: whether there is an energy since the last geometry.
        ended: whether it ended normally.
        lacking: what the first incomplete frame lacks, or "".
        methods: methods that its user asked for, as far as these are known.
    """

    line: int
    frames: int = 0
    geometry: bool = False
    energy: bool = False
    ended: bool = False
    lacking: str = ""
    methods: frozenset[str] = frozenset()

    def see(self, kind: str, line: str) -> None:
        """Go on by a line of that kind."""
        if kind == "unconverged":
            self.lacking = self.lacking or "a converged wave function"
        elif kind == "asked":
            self.methods |= method_names(line)
        elif kind == "end":
            self.ended = True
        elif kind == "geometry":
            self.geometry, self.energy = True, False
        elif kind == "energy":
            self.energy = True
        elif kind == "forces":
            self.frames += 1

    def see_forces_of_its_own(self) -> None:
        """Forces belong to a geometry and an energy that came before them and after the forces before."""
        if not (self.geometry and self.energy):
            self.lacking = self.lacking or ("an energy" if self.geometry else "a geometry")
        self.energy = False

    def refuse_parts(self, path: Path, number: int | None, program: _Program) -> None:
        """Refuse a job that is not whole."""
        lacking = self.lacking
        if program.forces is not None and not self.frames:
            lacking = "forces"
        elif program.end is not None and not self.ended:
            lacking = "a normal end"
        if lacking:
            which = "the job" if number is None else f"job {number} (from line {self.line})"
            raise InputError(
                f"{which} in {path.name} must have a geometry, an energy and forces of its own and end normally, found "
                f"it without {lacking}: remove it or repeat it"
            )


def _jobs(path: Path, program: _Program) -> list[_Job]:
    kinds = {
        kind: re.compile(pattern)
        for kind in ("start", "geometry", "energy", "forces", "end", "unconverged", "asked")
        if (pattern := getattr(program, kind)) is not None
    }
    jobs: list[_Job] = []
    for number, line in enumerate(_lines(path), 1):
        kind = next((kind for kind, pattern in kinds.items() if pattern.search(line)), None)
        if kind is None:
            continue
        if kind == "start" or not jobs:
            jobs.append(_Job(number))
        if kind == "forces" and program.geometry is not None:
            jobs[-1].see_forces_of_its_own()
        jobs[-1].see(kind, line)
    return jobs


def _refuse_other_methods(path: Path, jobs: list[_Job]) -> None:
    """Refuse outputs of several methods put together."""
    asked = [(number, job) for number, job in enumerate(jobs) if job.methods]
    other = next(((number, job) for number, job in asked if job.methods != asked[0][1].methods), None)
    if other is not None:
        one, another = (", ".join(sorted(job.methods)) for _, job in (asked[0], other))
        raise InputError(
            f"jobs in {path.name} must be of one level, found {one} in job {asked[0][0]} and {another} in job "
            f"{other[0]} (from line {other[1].line}): convert each level by itself"
        )


def _lines(path: Path) -> Iterator[str]:
    with open_text(path) as stream:
        while line := stream.readline(_LINE_MAX):
            yield line
