"""A sweep without test labels: every owned label scored once, errors in the table, and all commands go on with them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from command_line import answer
from tiny_sweep import Counting, lines, run, sweep_of

from study.recipes.workload import Workload, make_workload
from study.tables.out_of_fold import OUT_OF_FOLD_FILE, read_out_of_fold
from study.tables.results import read_results

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_TEST = (
    ("test: {groups: [3]}", "cross_validation: {folds: 3}"),
    ("pretrain_finetune, asteroid]", "pretrain_finetune, gdml_delta]"),
    ("gamma_rel: [1, inf]", "gamma_rel: [inf]"),
    ("seeds: [0, 1]", "seeds: [1]"),
    ("finetune:\n", "kernel: {sigmas: [10, 20]}\nfinetune:\n"),
)


@pytest.fixture(scope="module")
def workload(tiny_labels: Path) -> Workload:
    return make_workload(sweep_of(tiny_labels, *WITHOUT_TEST))


@pytest.fixture(scope="module")
def finished(workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inside") / "run"
    run(workload, folder)
    return folder


def test_the_table_has_every_owned_label_once_in_every_division(finished: Path) -> None:
    table, results = read_out_of_fold(finished), read_results(finished)
    assert table is not None
    counts = table.groupby(["strategy", "n_labels", "n_folds"]).size().to_dict()
    bought = [(s, n, k) for s in ("accurate_only", "gdml_delta", "pretrain_finetune") for n in (10, 15) for k in (2, 3)]
    assert counts == {key: key[1] for key in [*bought, ("cheap_only", 15, 1)]}
    assert len(results) == 7
    assert table["energy_error_ev"].isna().to_numpy().tolist() == (table["strategy"] == "cheap_only").tolist()


def test_errors_are_those_of_the_most_folds_carried_to_all_labels(finished: Path) -> None:
    table, results = read_out_of_fold(finished), read_results(finished)
    assert table is not None
    for row in results.itertuples():
        own = table[(table["strategy"] == row.strategy) & (table["n_labels"] == (row.budget or 15))]
        most = own[own["n_folds"] == own["n_folds"].max()]
        carried = (2 / 3) ** row.cv_slope if row.budget else 1.0
        assert row.cv_force_mae_ev_ang == pytest.approx(most["force_mae_ev_ang"].mean() * carried, rel=1e-6)
        assert 0 < row.cv_force_mae_shared_se_ev_ang <= row.cv_force_mae_se_ev_ang
    assert results["n_test"].eq(0).all()
    assert results.filter(regex="^test_").isna().to_numpy().all()


def test_no_label_is_bought_for_evaluation(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    ledger = manifest["ledger"]
    assert (ledger["evaluation_labels"], ledger["evaluation_cpu_s"], manifest["n_test"]) == (0, 0, 0)
    assert ledger["accurate_labels_assumed_bought"] == 15


def test_a_killed_run_ends_with_the_same_tables(workload: Workload, finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(workload, folder, Counting(stop_before=4))
    assert len(read_results(folder)) < 7
    run(workload, folder)
    assert lines(folder) == lines(finished)
    pd.testing.assert_frame_equal(read_out_of_fold(folder), read_out_of_fold(finished))
    assert (folder / OUT_OF_FOLD_FILE).with_suffix(".csv").is_file()


def test_commands_go_on_with_cross_validated_errors_and_say_so(finished: Path) -> None:
    code, out, _ = answer("plan", str(finished), "--target", "100 kcal/mol/A")
    assert code == 0, out
    assert "no test set: errors are cross-validated inside the bought labels, which all runs share" in out
    assert re.search("no test label was needed|the accurate labels that the sweep owned", out)
    code, out, _ = answer("plan", str(finished), "--target", "100 kcal/mol/A", "--json")
    assert json.loads(out)["evaluation"] == {"n_test": 0, "cpu_s": 0, "measured_by": "cross_validation"}
    assert answer("status", str(finished))[0] == 0
    assert answer("report", str(finished))[0] == 0
    page = (finished / "report.html").read_text()
    assert "No test labels: errors are cross-validated force MAEs." in page
