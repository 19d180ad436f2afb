"""Studies of several molecules: through every stage to the table, and clear words where one molecule is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_sweep import Counting, lines, run, sweep_of
from varied_sets import AMMONIA, HYDROGEN, WATER, springs, together

from analysis.plan.run_caveats import selection_caveats
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet
from asteroid.labels.molecules import split_molecules
from study.data.load import load_data
from study.recipes.workload import make_workload

if TYPE_CHECKING:
    from pathlib import Path

VARIED = (
    ("accurate.npz, level: ccsd_t/cc-pvdz, energy_unit: eV, length_unit: Angstrom, group_key: replica", "accurate.xyz"),
    ("cheap.npz, level: gfn2-xtb, energy_unit: eV, length_unit: Angstrom, group_key: replica", "cheap.xyz"),
    ("groups: [3]", "share: 0.3"),
    (
        "model: {hidden: 8}\ndescriptors: {n_radial: 4, n_angular: 2, l_max: 1}",
        "model: {architecture: schnet, hidden: 8, layers: 1}",
    ),
    ("seeds: [0, 1]", "seeds: [0]"),
    ("asteroid]", "asteroid, residual]"),
    ("finetune:\n", "residual: {steps: 18, learning_rate: 0.01, validations: 2}\nfinetune:\n"),
)


def sets() -> tuple[LabelSet, LabelSet]:
    """Real methanol labels among those of springs in water; the cheap level has hydrogen as well."""
    methanol = load_methanol()
    accurate = replace(methanol.accurate.select(np.arange(40)), group=None)
    cheap = replace(methanol.cheap.select(np.arange(0, 20_000, 400)), group=None)
    level = accurate.level
    return (
        together([accurate, springs(WATER, 40, 0, level=level)]),
        together(
            [cheap, *(springs(m, n, n, level="gfn2-xtb") for m, n in ((WATER, 50), (HYDROGEN, 8), (AMMONIA, 20)))]
        ),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("varied")
    for name, labels in zip(("accurate.xyz", "cheap.xyz"), sets(), strict=True):
        write_labels(labels, place / name)
    return place


def test_several_molecules_without_test_labels(folder: Path, tmp_path: Path) -> None:
    without = ("test: {share: 0.3}", "cross_validation: {folds: 3}")
    fewer = ("[accurate_only, cheap_only, pretrain_finetune, asteroid, residual]", "[accurate_only, pretrain_finetune]")
    workload = make_workload(sweep_of(folder, *VARIED, without, fewer, ("budgets: [10, 15]", "budgets: [12]")))
    table = run(workload, tmp_path / "run")
    assert set(table["status"]) == {"ok"}
    assert table["n_test"].eq(0).all()
    assert (table["cv_force_mae_ev_ang"] > 0).all()
    assert (table["cv_force_mae_se_ev_ang"] > 0).all()


def test_a_study_of_several_molecules(folder: Path, tmp_path: Path) -> None:
    workload = make_workload(sweep_of(folder, *VARIED))
    card = "\n".join(workload.data.card)
    assert "CH4O: 40 frames" in card
    assert "H2O: 40 frames" in card
    assert "note: all molecules of a level have one price a label" in card
    assert "note: gfn2-xtb frames of H2, H3N: no accurate label is of them" in card
    assert "note: no ccsd_t/cc-pvdz label has N: the bias of gfn2-xtb frames that have it is a guess" in card
    assert workload.data.descriptors is None
    executor = Counting(stop_before=3)
    with pytest.raises(KeyboardInterrupt):
        run(workload, tmp_path / "run", executor)
    table = run(workload, tmp_path / "run")
    assert set(table["status"]) == {"ok"}
    assert set(table["strategy"]) == {"accurate_only", "cheap_only", "pretrain_finetune", "asteroid", "residual"}
    assert np.isfinite(table["test_force_mae_ev_ang"]).all()
    assert (table["test_energy_mae_ev"] < 5).all(), "thousands of eV lie between the molecules"
    assert np.isfinite(table["use_cpu_s_per_frame"]).all()
    weighted = table[table["strategy"] == "asteroid"]
    assert (weighted["effective_sample"] > 1).all()
    assert (weighted["bias_median_ev_ang"] > 0).all()
    run(make_workload(sweep_of(folder, *VARIED)), tmp_path / "at once")
    assert lines(tmp_path / "run") == lines(tmp_path / "at once"), "killed and gone on with, digit for digit"
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert set(manifest["molecule"].split(", ")) == {"CH4O", "H2O"}
    assert selection_caveats(manifest) == ("few_test_labels",)


@pytest.mark.parametrize("others", [0, 10])
def test_a_test_molecule_without_a_zero_of_energy_has_no_energy_errors(others: int, tmp_path: Path) -> None:
    accurate, cheap = sets()
    both = together([part.labels for part in split_molecules(accurate)] + [springs(AMMONIA, 12, 3)])
    tested = both.n_atoms == 4
    tested[np.flatnonzero(both.n_atoms == 3)[:others]] = True
    write_labels(replace(both, group=tested.astype(np.int64)), tmp_path / "accurate.xyz")
    write_labels(cheap, tmp_path / "cheap.xyz")
    workload = make_workload(sweep_of(tmp_path, *VARIED[:2], ("groups: [3]", "groups: [1]"), *VARIED[3:]))
    card = "\n".join(workload.data.card)
    assert "note: test frames of H3N have no label in the pool: those errors are of molecules unseen" in card
    untested = "CH4O" if others else "CH4O, H2O"
    assert f"note: labels of {untested} are bought, and no test frame is of them" in card
    table = run(workload, tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert selection_caveats(manifest) == ("few_test_labels", "unseen_molecules", "untested_molecules")
    blind = table["strategy"] == "cheap_only"  # whose energies are put on the test labels' zero
    assert np.isfinite(table["test_force_mae_ev_ang"]).all()
    assert np.isfinite(table.loc[blind, "test_energy_mae_ev"]).all()
    errors = table.loc[~blind, ["test_energy_mae_ev", "test_energy_rmse_ev"]]
    assert (errors < 5).all(axis=None) if others else errors.isna().all(axis=None)
    left_out = f"energy errors without 12 of {12 + others} test frames"
    warning = f"{left_out}: the training labels leave the zero of energy of H3N open"
    assert table.loc[~blind, "warnings"].str.endswith(warning).all()
    assert not table.loc[blind, "warnings"].str.contains("energy").any()


@pytest.mark.parametrize(
    ("change", "who", "remedy"),
    [
        (
            ("architecture: schnet, ", ""),
            "architecture mlp",
            "set model: {architecture: schnet or painn or nequip or mace or gemnet_t or gemnet_q or dimenet_pp or "
            "tensornet or visnet}, or study one molecule at a time",
        ),
        (("residual]", "residual, gdml]"), "strategy gdml", "remove it, or study one molecule at a time"),
    ],
)
def test_what_needs_one_molecule_says_so(folder: Path, change: tuple[str, str], who: str, remedy: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_data(sweep_of(folder, *VARIED, change))
    message = str(refusal.value)
    assert message.startswith(f"{who} needs one composition in one order of atoms, found ")
    assert "in all CH4O (40 frames), H2O (40 frames): " in message or "H2O (40 frames), CH4O (40 frames): " in message
    assert message.endswith(f": {remedy}")


def test_single_atoms_are_left_out_of_a_study(tmp_path: Path) -> None:
    accurate, cheap = sets()
    oxygen = LabelSet(np.array([8]), np.zeros((1, 1, 3)), np.array([-2042.0]), np.zeros((1, 1, 3)), accurate.level)
    parts = [part.labels for part in split_molecules(accurate)]
    write_labels(together([*parts, oxygen]), tmp_path / "accurate.xyz")
    write_labels(cheap, tmp_path / "cheap.xyz")
    data = load_data(sweep_of(tmp_path, *VARIED))
    assert len(data.accurate) == len(accurate)
    assert "1 frame of a single atom left out" in "\n".join(data.card)
    write_labels(oxygen, tmp_path / "accurate.xyz")
    with pytest.raises(InputError, match=r"accurate\.xyz needs molecules, found single atoms only"):
        load_data(sweep_of(tmp_path, *VARIED))


def test_test_frames_of_one_molecule_are_neighbours_in_the_order_of_time(tmp_path: Path) -> None:
    accurate, cheap = sets()
    write_labels(accurate, tmp_path / "accurate.xyz")
    write_labels(cheap, tmp_path / "cheap.xyz")
    test = load_data(sweep_of(tmp_path, *VARIED)).test
    assert len(set(test.n_atoms)) == 2
    changes = np.flatnonzero(np.diff(test.n_atoms))
    assert len(changes) == 1, "one molecule after the other"
    for part in np.split(test.frame_id, changes + 1):
        assert (np.diff(part) > 0).all()
