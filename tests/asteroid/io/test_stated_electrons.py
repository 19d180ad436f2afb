"""Charge and spin that files state of a molecule: found in all of them, and refused where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asteroid.errors import InputError
from asteroid.io.stated_electrons import common_electrons, stated_electrons
from asteroid.labels.charge_and_spin import ChargeAndSpin

if TYPE_CHECKING:
    from pathlib import Path


def written(path: Path, comment: str) -> Path:
    path.write_text(f"2\n{comment}\nO 0 0 0\nH 0 0 0.97\n")
    return path


def test_files_of_one_molecule_agree(tmp_path: Path) -> None:
    silent, anion = written(tmp_path / "silent.xyz", "hydroxide"), written(tmp_path / "anion.xyz", "charge=-1")
    radical = written(tmp_path / "radical.xyz", "charge=0 multiplicity=2")
    assert stated_electrons(silent) is None
    assert stated_electrons(radical) == ChargeAndSpin(0, 1)
    assert common_electrons([silent, silent]) is None
    assert common_electrons([silent, anion]) == ChargeAndSpin(-1)
    with pytest.raises(
        InputError, match=r"anion\.xyz states charge -1, radical\.xyz charge 0 and 1 unpaired electron:"
    ):
        common_electrons([anion, radical])
