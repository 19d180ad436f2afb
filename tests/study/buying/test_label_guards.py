"""Bought labels beside cheap ones at the same geometries: another unit or sign shows at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.errors import InputError
from study.buying.label_guards import check_bought

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


def scaled(cheap: LabelSet, factor: float) -> LabelSet:
    """Accurate labels that resemble cheap ones, with forces in another unit."""
    assert cheap.forces is not None
    return replace(cheap, level="ccsd_t/cc-pvdz", forces=factor * cheap.forces)


@pytest.fixture
def cheap(methanol_sets: tuple[LabelSet, LabelSet]) -> LabelSet:
    return methanol_sets[1].select(np.arange(12))


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        (-1.0, "they are gradients; add forces_are: gradients"),
        (1 / 27.2114, "Hartree/Å taken for eV/Å"),
        (1 / 51.4221, "Hartree/Bohr taken for eV/Å"),
        (23.06, "kcal/mol/Å taken for eV/Å"),
        (0.529177, "eV/Bohr and eV/Å confused"),
    ],
)
def test_units_and_signs(cheap: LabelSet, factor: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_bought(scaled(cheap, factor), cheap, "batch 1")


def test_labels_of_other_frames(cheap: LabelSet) -> None:
    with pytest.raises(InputError, match="must resemble those of gfn2-xtb at the same geometries"):
        check_bought(scaled(cheap, 1.0), cheap.select(np.arange(12)[::-1]), "batch 1")


def test_good_labels_pass(cheap: LabelSet) -> None:
    check_bought(scaled(cheap, 1.02), cheap, "batch 1")
    check_bought(scaled(cheap, 1.02), None, "batch 1")


def test_a_stated_unit_is_believed_and_a_wrong_sign_is_not(cheap: LabelSet) -> None:
    """MP2/6-31G forces of formic acid are twice those of GFN2-xTB, honestly."""
    check_bought(scaled(cheap, 2.02), cheap, "batch 1", unit_stated=True)
    with pytest.raises(InputError, match="declare force_unit, which is then believed"):
        check_bought(scaled(cheap, 2.02), cheap, "batch 1")
    with pytest.raises(InputError, match="they are gradients"):
        check_bought(scaled(cheap, -1.0), cheap, "batch 1", unit_stated=True)


def test_other_lengths_of_bonds_are_honest(cheap: LabelSet) -> None:
    """HF/6-31G forces of N2O are twice GFN2-xTB's and hardly resemble them: its bonds are shorter, in every frame."""
    assert cheap.forces is not None
    pulled = cheap.forces.copy()
    for one, other in ((0, 1), (0, 2), (1, 5)):
        along = cheap.positions[:, one] - cheap.positions[:, other]
        along *= 4.0 / np.linalg.norm(along, axis=1, keepdims=True)
        pulled[:, one] += along
        pulled[:, other] -= along
    assert np.corrcoef(pulled.ravel(), cheap.forces.ravel())[0, 1] < 0.5
    check_bought(replace(cheap, level="hf/6-31g", forces=pulled), cheap, "batch 1", unit_stated=False)
    for factor, says in ((-1.0, "they are gradients"), (1 / 27.2114, "Hartree/Å taken for eV/Å")):
        with pytest.raises(InputError, match=says):
            check_bought(replace(cheap, level="hf/6-31g", forces=factor * pulled), cheap, "batch 1")


def test_a_label_that_the_others_contradict_is_refused_with_what_a_purchase_can_do_or_kept(
    methanol_sets: tuple[LabelSet, LabelSet],
) -> None:
    labels = methanol_sets[0].select(np.arange(60))
    assert labels.energy is not None
    odd = replace(labels, energy=labels.energy + 20.0 * (np.arange(60) == 7))
    with pytest.raises(
        InputError, match=r"found it \+19.9 eV off.*--give-up; if it is sound .*set outliers: keep under 'buy'"
    ):
        check_bought(odd, None, "batch 1")
    (noted,) = check_bought(odd, None, "batch 1", keep_outliers=True)
    assert noted.startswith(f"1 outlying frame kept ({labels.frame_id[7]}): ")
    assert check_bought(labels, None, "batch 1", keep_outliers=True) == ()
