"""Tables with errors of energies in the place of errors of forces, and tables that have none."""

import numpy as np
import pandas as pd
import pytest
from out_of_fold_tables import planted_table
from planted_plans import PLAIN, SCRATCH, table

from analysis.buying.looks import looks_of
from analysis.curves.curves import curves_of
from analysis.curves.energy_errors import atoms_per_molecule, errors_of, out_of_fold_errors_of
from asteroid.errors import InputError
from asteroid.measured_errors import Measured

TABLE = table({SCRATCH: lambda n: 0.1 * (n / 20) ** -0.6, PLAIN: lambda n: 0.03 * (n / 20) ** -0.25}).assign(
    train_force_mae_ev_ang=0.01,
    test_force_mae_adjusted_ev_ang=0.5,
    test_force_mae_adjusted_se_ev_ang=0.1,
)
ENERGIES = TABLE.assign(
    test_energy_free_mae_ev=3 * TABLE["test_force_mae_ev_ang"],
    test_energy_free_mae_se_ev=0.3 * TABLE["test_force_mae_ev_ang"],
)


def test_curves_of_energies_are_those_of_the_energy_columns():
    for measured, size in ((Measured.ENERGIES, 1), (Measured.ENERGIES_PER_ATOM, 6)):
        found = curves_of(errors_of(ENERGIES, measured, "CH4O"))
        assert len(found) == 2
        for curve in found:
            own = TABLE[TABLE["strategy"] == curve.key.strategy]["test_force_mae_ev_ang"].to_numpy()
            assert curve.error_ev_ang == pytest.approx(3 * own / size)
            assert curve.test_relative_se == pytest.approx(0.1)
            assert not curve.near_training_error(1e-9), "errors of forces on training labels say nothing of energies"
    assert errors_of(ENERGIES, Measured.FORCES) is ENERGIES


def test_atoms_of_a_molecule_are_counted():
    assert [atoms_per_molecule(formula) for formula in ("CH4O", "C2H6O", "Cl2", "He")] == [6, 9, 2, 1]


@pytest.mark.parametrize(
    ("given", "measured", "molecule", "words"),
    [
        (TABLE, Measured.ENERGIES, "CH4O", ["test_energy_free_mae_ev", "earlier versions", "repeat"]),
        (ENERGIES.assign(test_energy_free_mae_ev=np.nan, n_test=1), Measured.ENERGIES, "CH4O", ["one test label"]),
        (
            ENERGIES.assign(
                test_energy_free_mae_ev=np.nan, warnings="the training labels leave the zero of energy of CH4O open"
            ),
            Measured.ENERGIES,
            "CH4O",
            ["one zero of energy", "accurate_only with 20 labels", "target on forces"],
        ),
        (ENERGIES, Measured.ENERGIES_PER_ATOM, "CH4O and C2H6O", ["one molecule", "CH4O and C2H6O", "kcal/mol"]),
    ],
)
def test_tables_without_such_errors_are_refused_in_one_line(given, measured, molecule, words):
    with pytest.raises(InputError) as caught:
        errors_of(given, measured, molecule)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def test_looks_at_energies_take_one_constant_out_of_each_division():
    rng = np.random.default_rng(1)
    looks = planted_table({"accurate_only": (0.1, 0.5)}, (200, 400))
    signed = looks.assign(energy_error_ev=5.0 + 0.3 * rng.standard_normal(len(looks)))
    found = out_of_fold_errors_of(signed, Measured.ENERGIES)
    (own,) = looks_of(found.assign(cheap_energy_ev=np.nan)).values()
    assert np.exp(own.log_error) == pytest.approx(0.3 * np.sqrt(2 / np.pi), rel=0.15)
    per_atom = out_of_fold_errors_of(signed, Measured.ENERGIES_PER_ATOM, 6)
    assert per_atom["force_mae_ev_ang"].to_numpy() * 6 == pytest.approx(found["force_mae_ev_ang"].to_numpy())
    cheap = signed.assign(cheap_level="hf", intermediate_level="", n_intermediate=0)
    shifted = cheap.assign(cheap_level="mp2", energy_error_ev=cheap["energy_error_ev"] + 9)
    both = out_of_fold_errors_of(pd.concat([cheap, shifted], ignore_index=True), Measured.ENERGIES)
    by_level = both.groupby("cheap_level")["force_mae_ev_ang"].mean()
    assert by_level.to_numpy() == pytest.approx(found["force_mae_ev_ang"].mean()), "one constant for each level"
    assert out_of_fold_errors_of(looks, Measured.FORCES) is looks
    with pytest.raises(InputError, match="one zero of energy"):
        out_of_fold_errors_of(looks, Measured.ENERGIES)
    with pytest.raises(InputError, match="number of atoms"):
        out_of_fold_errors_of(signed, Measured.ENERGIES_PER_ATOM)
    with pytest.raises(InputError, match="one label"):
        out_of_fold_errors_of(signed.query("label == 0").assign(n_labels=1), Measured.ENERGIES)
