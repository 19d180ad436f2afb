"""Outputs put together: geometry, energy and forces of a frame are of one job, or the job is named."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path

START = """
                                 * O   R   C   A *

Number of atoms                             ...      2

---------------------------------
CARTESIAN COORDINATES (ANGSTROEM)
---------------------------------
  H      0.000000     0.000000     0.000000
  F      0.000000     0.000000     {z:.6f}

"""
ENERGY = """-------------------------   --------------------
FINAL SINGLE POINT ENERGY     -100.{digits}
-------------------------   --------------------
"""
GRADIENT = """------------------
CARTESIAN GRADIENT
------------------

   1   H   :     0.000000000    0.000000000    0.013245803
   2   F   :     0.000000000    0.000000000   -0.013245803

"""
END = "                             ****ORCA TERMINATED NORMALLY****\n"


def job(i: int, *parts: str) -> str:
    return "".join(parts or (START, ENERGY, GRADIENT, END)).format(z=0.9 + 0.01 * i, digits=f"{i:012d}")


def test_whole_jobs_are_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "all.out"
    path.write_text("".join(map(job, range(4))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = read_labels(path, Declaration(level="ccsd_t/cc-pvtz"))
    np.testing.assert_allclose(loaded.labels.positions[:, 1, 2], [0.9, 0.91, 0.92, 0.93])
    assert "recognised from ASE, which converts to its units (orca-output)" in loaded.units


@pytest.mark.parametrize(
    ("parts", "lacks"),
    [
        ((START, ENERGY, GRADIENT), "a normal end"),
        ((START, ENERGY, END), "forces"),
        ((START, GRADIENT, END), "an energy"),
        ((START.split("-----")[0], ENERGY, GRADIENT, END), "a geometry"),
        ((START, ENERGY), "forces"),
    ],
)
@pytest.mark.parametrize("at", [1, 3])
def test_a_job_that_lacks_a_part_is_named(tmp_path: Path, parts: tuple[str, ...], lacks: str, at: int) -> None:
    path = tmp_path / "died.out"
    path.write_text("".join(job(i, *parts) if i == at else job(i) for i in range(4)))
    with pytest.raises(InputError, match=rf"job {at} \(from line \d+\) in died.out must .* found it without {lacks}"):
        read_labels(path, Declaration(level="ccsd_t/cc-pvtz"))


def test_a_job_that_says_that_it_did_not_converge_is_named(tmp_path: Path) -> None:
    jobs = [job(i) for i in range(3)]
    jobs[1] = jobs[1].replace("FINAL SINGLE", "SCF NOT CONVERGED AFTER 125 CYCLES\nFINAL SINGLE")
    (tmp_path / "a.out").write_text("".join(jobs))
    with pytest.raises(InputError, match=r"job 1 .* found it without a converged wave function"):
        read_labels(tmp_path / "a.out", Declaration(level="hf"))


def test_jobs_of_two_methods_are_told_apart(tmp_path: Path) -> None:
    def asked(i: int, words: str) -> str:
        return job(i).replace("Number of atoms", f"|  1> ! {words}\nNumber of atoms", 1)

    same = [asked(0, "CCSD(T) cc-pVDZ"), asked(1, "ccsd(t) cc-pVDZ MORead"), job(2)]
    (tmp_path / "a.out").write_text("".join(same))
    assert len(read_labels(tmp_path / "a.out", Declaration(level="ccsd_t")).labels) == 3
    (tmp_path / "b.out").write_text("".join([*same, asked(3, "CCSD cc-pVDZ")]))
    with pytest.raises(InputError, match=r"found ccsd\(t\) in job 0 and ccsd in job 3 .*each level by itself"):
        read_labels(tmp_path / "b.out", Declaration(level="ccsd_t"))
