"""Forces of the wrong sign, scale or order are refused by what is wrong with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cheap_methanol import changed, fit_of, methanol
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.checks.force_energy import fit_molecules
from asteroid.checks.inconsistent_forces import refuse_inconsistent_forces, refuse_inconsistent_molecules
from asteroid.errors import InputError


@given(factor=st.floats(0.01, 100.0), negative=st.booleans())
@settings(max_examples=20, deadline=None)
def test_the_ratio_is_the_planted_factor(factor: float, negative: bool) -> None:
    planted = -factor if negative else factor
    fit = fit_of(changed(planted))
    assert fit.ratio == pytest.approx(fit_of(methanol()).ratio / planted, rel=1e-9)
    assert fit.correlation == pytest.approx(np.sign(planted) * fit_of(methanol()).correlation, rel=1e-9)
    wrong = negative or abs(np.log(factor)) > np.log(1.6)
    if wrong:
        with pytest.raises(InputError):
            refuse_inconsistent_forces(fit, "labels")
    elif abs(np.log(factor)) < np.log(1.4):
        refuse_inconsistent_forces(fit, "labels")


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        (-1.0, "gradients"),
        (23.06, "one eV is 23.06 kcal/mol"),
        (1 / 1.8897, "one Bohr is 0.5292 Angstrom"),
        (1.8897, "one Angstrom is 1.89 Bohr"),
        (627.5 / 27.211, "one eV is 23.06 kcal/mol"),
        (51.42, "one Hartree/Bohr is 51.42 eV/Angstrom"),
        (7.0, "frames 100 and 7800): declare energy_unit"),
    ],
)
def test_slips_are_named(factor: float, says: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_inconsistent_forces(fit_of(changed(factor)), "labels.npz")
    message = str(caught.value)
    assert says in message
    assert "\n" not in message


def test_rows_of_another_order_are_refused() -> None:
    order = np.random.default_rng(0).permutation(len(methanol()))
    assert methanol().energy is not None
    with pytest.raises(InputError, match=r"belong together.*order of rows"):
        refuse_inconsistent_forces(fit_of(replace(methanol(), energy=methanol().energy[order])), "labels")


@pytest.mark.parametrize("wrong", ["two levels", "shifted"])
def test_sets_of_which_a_part_contradicts_the_rest_are_refused(wrong: str) -> None:
    labels = methanol().select(np.arange(0, len(methanol()), 20))
    assert labels.energy is not None
    refuse_inconsistent_molecules(labels, fit_molecules(labels), "labels")
    energy = {
        "two levels": labels.energy + 0.4 * (np.arange(len(labels)) % 2),
        "shifted": np.roll(labels.energy, 1),
    }[wrong]
    broken = replace(labels, energy=energy)
    with pytest.raises(InputError, match=r"of labels must belong together, found"):
        refuse_inconsistent_molecules(broken, fit_molecules(broken), "labels")
