"""A stand-in for ORCA: reads its input files, computes GFN1-xTB, and writes output files as ORCA prints them.

    python tests/helpers/orca_like.py [--turned NAME] [--unconverged NAME] [--skipped NAME] INPUT ...

Beside each input NAME.inp come NAME.out and, where the job ends well, NAME.engrad. Of `turned` ones the molecule is
rotated and moved first, as programs that use symmetry do; `skipped` ones are left out, as jobs that a queue has lost.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.units import Bohr, Hartree
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATE = """! CCSD(T) cc-pVDZ EnGrad
%maxcore 2000
* xyz {{ charge }} {{ multiplicity }}
{{ elements_and_positions_ang }}
*
"""
_HEAD = """
                                 *****************
                                 * O   R   C   A *
                                 *****************

                         Program Version 5.0.4 -  RELEASE  -

================================================================================
                                       INPUT FILE
================================================================================
{echo}
                         ****END OF INPUT****
================================================================================
                       *******************************
                       * Energy+Gradient Calculation *
                       *******************************

---------------------------------
CARTESIAN COORDINATES (ANGSTROEM)
---------------------------------
{angstrom}

----------------------------
CARTESIAN COORDINATES (A.U.)
----------------------------
  NO LB      ZA    FRAG     MASS         X           Y           Z
{bohr}

 Number of atoms                             ...{n:7d}
 Total Charge           Charge          .... {charge:4d}
 Multiplicity           Mult            .... {multiplicity:4d}
"""
_UNCONVERGED = """
               *****************************************************
               *             SCF NOT CONVERGED AFTER 125 CYCLES    *
               *****************************************************

ORCA finished by error termination in SCF
"""
_TAIL = """
-------------------------   --------------------
FINAL SINGLE POINT ENERGY   {energy:20.12f}
-------------------------   --------------------

------------------
CARTESIAN GRADIENT
------------------

{gradient}

Difference to translation invariance:
           :    0.0000000000    0.0000000000    0.0000000000

                             ****ORCA TERMINATED NORMALLY****
TOTAL RUN TIME: 0 days 0 hours 1 minutes 12 seconds 345 msec
"""


def run_jobs(
    inputs: Sequence[Path],
    *,
    turned: Sequence[str] = (),
    unconverged: Sequence[str] = (),
    skipped: Sequence[str] = (),
) -> None:
    """Compute what the input files ask for; names are those of the files without their ending."""
    from tblite.ase import TBLite

    for path in inputs:
        if path.stem in skipped:
            continue
        atoms, charge, multiplicity = read_input(path)
        if path.stem in turned:
            turn = Rotation.random(rng=np.random.default_rng(zlib.crc32(path.stem.encode())))
            atoms.positions = turn.apply(atoms.positions) + 1.5
        text = head(path, atoms, charge, multiplicity)
        if path.stem in unconverged:
            path.with_suffix(".out").write_text(text + _UNCONVERGED)
            continue
        atoms.calc = TBLite(method="GFN1-xTB", charge=charge, verbosity=0)
        energy = atoms.get_potential_energy() / Hartree
        gradient = -atoms.get_forces() * Bohr / Hartree
        rows = [
            f"{i:4d}   {atom.symbol:<2}  :" + "".join(f"{value:15.9f}" for value in own)
            for i, (atom, own) in enumerate(zip(atoms, gradient, strict=True), 1)
        ]
        path.with_suffix(".out").write_text(text + _TAIL.format(energy=energy, gradient="\n".join(rows)))
        path.with_suffix(".engrad").write_text(engrad(atoms, energy, gradient))


def read_input(path: Path) -> tuple[Atoms, int, int]:
    """Molecule, charge and multiplicity of an input file."""
    lines = path.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("* xyz"))
    last = next(i for i, line in enumerate(lines) if i > first and line.strip() == "*")
    rows = [line.split() for line in lines[first + 1 : last]]
    charge, multiplicity = (int(word) for word in lines[first].split()[2:])
    return Atoms([row[0] for row in rows], [[float(x) for x in row[1:]] for row in rows]), charge, multiplicity


def head(path: Path, atoms: Atoms, charge: int, multiplicity: int) -> str:
    """The beginning of an output, up to the SCF."""
    angstrom = "\n".join(f"  {atom.symbol:<2}" + "".join(f"{x:12.6f}" for x in atom.position) for atom in atoms)
    bohr = "\n".join(
        f"{i:4d} {atom.symbol:<2}{atom.number:9.4f}    0{atom.mass:10.3f}"
        + "".join(f"{x / Bohr:12.6f}" for x in atom.position)
        for i, atom in enumerate(atoms)
    )
    echo = "\n".join(f"|{i:3d}> {line}" for i, line in enumerate(path.read_text().splitlines(), 1))
    return _HEAD.format(
        echo=f"NAME = {path.name}\n{echo}",
        angstrom=angstrom,
        bohr=bohr,
        n=len(atoms),
        charge=charge,
        multiplicity=multiplicity,
    )


def engrad(atoms: Atoms, energy: float, gradient: np.ndarray) -> str:
    """Energy, gradient and geometry in atomic units, as ORCA writes them to a file of their own."""
    parts = [
        ("Number of atoms", [f" {len(atoms)}"]),
        ("The current total energy in Eh", [f"{energy:21.12f}"]),
        ("The current gradient in Eh/bohr", [f"{value:21.12f}" for value in gradient.ravel()]),
        (
            "The atomic numbers and current coordinates in Bohr",
            [f"{atom.number:4d}  " + " ".join(f"{x / Bohr:12.7f}" for x in atom.position) for atom in atoms],
        ),
    ]
    return "".join(f"#\n# {title}\n#\n" + "\n".join(lines) + "\n" for title, lines in parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("--turned", "--unconverged", "--skipped"):
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("inputs", nargs="+", type=Path)
    given = parser.parse_args()
    run_jobs(given.inputs, turned=given.turned, unconverged=given.unconverged, skipped=given.skipped)
    sys.stdout.write(f"{len(given.inputs)} jobs\n")


if __name__ == "__main__":
    main()
