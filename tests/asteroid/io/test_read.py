from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from npz_files import E, F, plain, refused, saved, sgdml

from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


def test_theory_without_form_needs_a_level(tmp_path: Path) -> None:
    path = saved(tmp_path, sgdml(theory=np.array("unknown")))
    assert "declare level" in refused(path, None)
    assert read_labels(path, Declaration(level="CCSD/cc-pVDZ")).labels.level == "ccsd/cc-pvdz"


def test_shapes_that_disagree_are_refused_with_the_file_name(tmp_path: Path) -> None:
    units = {"energy_unit": "eV", "length_unit": "A"}
    assert "labels.npz: energy needs the shape [4]" in refused(saved(tmp_path, plain(E=E[:3])), **units)
    assert "labels.npz: forces needs the shape" in refused(saved(tmp_path, plain(F=F[:, :2])), **units)
    assert "energies must be numbers" in refused(saved(tmp_path, plain(E=np.array(["a"] * 4))), **units)
