"""Accurate labels without forces, from their file to a cross-validated table and a plan."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_sweep import run, sweep_of

import sweeps
from analysis.curves.energy_errors import unit_of_errors
from asteroid.errors import InputError
from study.data.load import load_data
from study.export.run_model import Choice, choose_rows, run_force_field
from study.recipes.workload import make_workload
from study.tables.out_of_fold import read_out_of_fold
from study.tables.results import read_results
from sweeps.standing import error_lines

if TYPE_CHECKING:
    from pathlib import Path

    from study.config.sweep import Sweep

ALONE = ("group_key: replica,\n             price: 28s", "group_key: replica, forces: none, price: 9s")


@pytest.fixture(scope="module")
def energies(tiny_labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny sweep, whose accurate file has no forces."""
    folder = tmp_path_factory.mktemp("energies")
    shutil.copy(tiny_labels / "cheap.npz", folder)
    with np.load(tiny_labels / "accurate.npz") as arrays:
        np.savez(folder / "accurate.npz", **{key: arrays[key] for key in arrays if key != "F"})
    return folder


SEARCH = "tune: {budgets: [15], trials: 2, folds: 2, subset_seeds: [8, 9], space: {rho: [0.9, 0.99]}}"


def alone(folder: Path, *changes: tuple[str, str]) -> Sweep:
    return sweep_of(folder, ALONE, *changes)


@pytest.fixture(scope="module")
def finished(energies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cross-validated on energies."""
    changes = (
        ("test: {groups: [3]}", "cross_validation: {folds: 3}"),
        ("pretrain_finetune, asteroid]", "pretrain_finetune, network_delta]"),
        ("gamma_rel: [1, inf]", "gamma_rel: [inf]"),
        ("budgets: [10, 15]", "budgets: [8, 11, 15]"),
        ("seeds: [0, 1]", "seeds: [0]"),
    )
    folder = tmp_path_factory.mktemp("run") / "run"
    run(make_workload(alone(energies, *changes)), folder)
    return folder


def test_forces_serve_the_test_set_alone(tiny_labels: Path, energies: Path) -> None:
    given, without = load_data(alone(tiny_labels)), load_data(alone(energies))
    assert np.isfinite(given.test.forces).all()
    for data in (given, without):
        assert np.isnan(data.pool.forces).all()
        assert np.isfinite(data.cheap[0].pool.forces).all()
    assert np.isnan(without.test.forces).all()
    assert np.isnan(given.accurate.forces).all((1, 2)).sum() == len(given.pool)
    assert any("no forces: energies alone" in line for line in without.card)
    assert any("energies alone are learned (forces: none), errors are of energies and forces" in x for x in given.card)
    assert any(
        line.endswith("energies alone are learned (forces: none), errors are of energies") for line in without.card
    )
    np.testing.assert_array_equal(given.pool.energy, without.pool.energy)


def test_a_file_that_lacks_forces_by_mistake_is_refused_with_the_remedy(energies: Path) -> None:
    with pytest.raises(InputError, match=r"needs forces under F or forces.*declare forces: none") as caught:
        load_data(sweep_of(energies))
    assert "\n" not in str(caught.value)


def test_wrong_energies_are_dropped_and_counted(energies: Path, tmp_path: Path) -> None:
    shutil.copy(energies / "cheap.npz", tmp_path)
    with np.load(energies / "accurate.npz") as arrays:
        wrong = dict(arrays)
    wrong["E"][[3, 8]] += [15.0, -15.0]
    np.savez(tmp_path / "accurate.npz", **wrong)
    with pytest.raises(InputError, match=r"fits its geometry.*\(2 such frames\).*remove them, or set outliers: drop"):
        load_data(alone(tmp_path))
    wrong["E"][11] += 500.0  # which no geometry explains
    np.savez(tmp_path / "accurate.npz", **wrong)
    found = load_data(alone(tmp_path, ("forces: none", "forces: none, outliers: drop")))
    assert len(found.accurate) == len(wrong["E"]) - 3
    assert sum("frames left out" in line or "frame left out" in line for line in found.card) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("pretrain_finetune, asteroid]", "pretrain_finetune, gdml_delta]"), "gdml_delta learns forces"),
        (("gamma_rel: [1, inf]", f"gamma_rel: [1, inf]\n{SEARCH}"), "energies alone: remove section 'tune'"),
        (("level: gfn2-xtb,", "level: gfn2-xtb, forces: none,"), "cheap labels need forces"),
    ],
)
def test_what_needs_forces_is_refused(energies: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        alone(energies, change)


def test_every_strategy_learns_from_energies_and_is_scored_by_them(finished: Path) -> None:
    table, looks = read_results(finished), read_out_of_fold(finished)
    assert looks is not None
    assert (table["status"] == "ok").all()
    own = table[table["budget"] > 0]
    assert own.groupby("strategy").size().to_dict() == {
        "accurate_only": 3,
        "network_delta": 3,
        "pretrain_finetune": 3,
    }
    for name in ("cv_energy_free_mae_ev", "cv_energy_free_mae_se_ev", "val_energy_mae_ev"):
        assert (own[name] > 0).all(), name
    assert own[["cv_force_mae_ev_ang", "val_force_mae_ev_ang", "train_force_mae_ev_ang"]].isna().to_numpy().all()
    assert looks["force_mae_ev_ang"].isna().all()
    most = looks[(looks["n_folds"] == 3) & (looks["n_labels"] == 15)]
    error = {name: rows["energy_error_ev"].std() for name, rows in most.groupby("strategy")}
    assert error["network_delta"] < 0.5 * error["accurate_only"], "xTB is near to CCSD(T)"


def test_plans_are_on_energies(finished: Path) -> None:
    with pytest.raises(InputError, match="found energies alone: give a target on energies"):
        sweeps.plan(finished, target="0.3 kcal/mol/A")
    plan = sweeps.plan(finished, target="20 kcal/mol", confidence=0.5)
    assert "an energy MAE of 20 kcal/mol" in str(plan)
    assert plan.to_json()["evaluation"]["measured_by"] == "cross_validation"
    assert "; energy MAE " in str(sweeps.plan(finished, budget="2min"))


def test_a_model_of_energies_is_exported_with_their_error(finished: Path) -> None:
    rows = choose_rows(read_results(finished), Choice(budget=15))
    assert set(rows["strategy"]) == {"network_delta"}
    card = run_force_field(finished, Choice(strategy="network_delta", budget=15, committee=0)).card
    assert card.error.force_mae_ev_ang is None
    assert card.error.energy_mae_ev == pytest.approx(rows["cv_energy_free_mae_ev"].item())


def test_errors_of_energies_are_shown_unless_another_unit_is_asked_for(finished: Path) -> None:
    table = read_results(finished)
    assert error_lines(table)[0].startswith("energy MAE so far (kcal/mol)")
    assert [unit_of_errors(table, unit) for unit in ("meV/Å", "meV/atom")] == ["kcal/mol", "meV/atom"]
    assert unit_of_errors(table.assign(cv_force_mae_ev_ang=0.1), "meV/Å") == "meV/Å"
