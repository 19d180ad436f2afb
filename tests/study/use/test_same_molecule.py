"""A file of another charge than the model's is refused; one that says nothing is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from springs_force_field import springs_force_field

from asteroid.errors import InputError
from asteroid.labels.charge_and_spin import ChargeAndSpin
from study.use.same_molecule import refuse_other_electrons

if TYPE_CHECKING:
    from pathlib import Path


def test_charges_that_are_stated(tmp_path: Path) -> None:
    anion = replace(springs_force_field(), electrons=ChargeAndSpin(-1))
    for comment in ("by hand", "charge=-1", "charge=-1 multiplicity=1"):
        (tmp_path / "oh.xyz").write_text(f"2\n{comment}\nO 0 0 0\nH 0 0 0.97\n")
        refuse_other_electrons(anion, tmp_path / "oh.xyz")
    (tmp_path / "oh.xyz").write_text("2\nmultiplicity=2\nO 0 0 0\nH 0 0 0.97\n")
    with pytest.raises(InputError, match=r"with charge -1, oh\.xyz states charge 0 and 1 unpaired electron:"):
        refuse_other_electrons(anion, tmp_path / "oh.xyz")
