"""Errors of each molecule: planted ones reach molecules.csv, which fits the results, and a damaged file says so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from command_line import answer
from tiny_sweep import Counting, copy_of, run, sweep_of
from varied_sets import AMMONIA, FORMALDEHYDE, WATER, springs, together

import study.run.rows
from asteroid.descriptors.frame_bank import Prediction
from asteroid.errors import InputError
from asteroid.io.write import write_labels
from asteroid.labels.molecules import formula, rows_by_formula
from asteroid.stages.evaluation import block_bootstrap_se
from study.digests import DIGESTS_FILE
from study.recipes.workload import Workload, make_workload
from study.tables.molecules import MOLECULE_COLUMNS, MOLECULES_FILE, molecules_frame, read_molecules, write_molecules
from study.tables.results import KEY_COLUMNS, read_results

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank

VARIED = (
    ("accurate.npz, level: ccsd_t/cc-pvdz, energy_unit: eV, length_unit: Angstrom, group_key: replica", "accurate.xyz"),
    ("cheap.npz, level: gfn2-xtb, energy_unit: eV, length_unit: Angstrom, group_key: replica", "cheap.xyz"),
    ("groups: [3]", "share: 0.4"),
    (
        "model: {hidden: 8}\ndescriptors: {n_radial: 4, n_angular: 2, l_max: 1}",
        "model: {architecture: schnet, hidden: 8, layers: 1}",
    ),
    ("budgets: [10, 15]", "budgets: [10]"),
)
#: Mean absolute force error of each molecule, eV/Å.
PLANTED = {"H2O": 0.4, "CH2O": 0.1, "H3N": 0.9}


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    folder = tmp_path_factory.mktemp("labels")
    accurate = together([springs(WATER, 40, 0), springs(FORMALDEHYDE, 30, 1), springs(AMMONIA, 12, 2)])
    cheap = [springs(m, 50, 7, level="gfn2-xtb") for m in (WATER, FORMALDEHYDE, AMMONIA)]
    write_labels(accurate, folder / "accurate.xyz")
    write_labels(together(cheap), folder / "cheap.xyz")
    return make_workload(sweep_of(folder, *VARIED))


@pytest.fixture(scope="module")
def finished(workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("varied") / "run"
    run(workload, folder)
    return folder


def damaged(folder: Path, tmp_path: Path, old: str, new: str) -> Path:
    copy = copy_of(folder, tmp_path)
    text = (copy / MOLECULES_FILE).read_text()
    assert old in text
    (copy / MOLECULES_FILE).write_text(text.replace(old, new, 1))
    (copy / DIGESTS_FILE).unlink()  # as an earlier version left it
    return copy


def drifts(workload: Workload) -> np.ndarray:
    """Planted error of each test frame: slow in time, so that a shuffled order has another standard error."""
    of = [formula(row) for row in workload.data.test.numbers]
    values = np.array([PLANTED[name] for name in of])
    for name in PLANTED:
        own = np.flatnonzero(np.array(of) == name)
        values[own] *= 1 + 0.5 * np.sin(np.linspace(0, 2 * np.pi, len(own), endpoint=False))
    return values


def test_planted_errors_come_out_and_add_up(
    workload: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def planted(
        bank: FrameBank, level: str, rows: torch.Tensor, specs: list[object], models: dict[str, object]
    ) -> Prediction:
        asked.append(len(specs))
        frames = bank.levels[level]
        there = (frames.numbers_of(rows) > 0).repeat_interleave(3, dim=1)
        sign = torch.tensor([1.0, -1.0]).repeat(there.shape[1])[: there.shape[1]]
        forces = frames.forces[rows] + torch.from_numpy(drifts(workload)).float()[:, None] * sign * there
        return Prediction(frames.energy[rows].expand(len(specs), -1), forces.expand(len(specs), -1, -1))

    monkeypatch.setattr(study.run.rows, "predict_chain", planted)
    table = run(workload, tmp_path / "run")
    assert sum(asked) == len(table), "each model predicts the test frames once"
    found = read_molecules(tmp_path / "run")
    assert found is not None
    assert set(table["strategy"]) == {"accurate_only", "cheap_only", "pretrain_finetune", "asteroid"}
    assert len(found) == len(PLANTED) * len(table)
    names = np.array([formula(row) for row in workload.data.test.numbers])
    for name, own in found.groupby("molecule"):
        values = drifts(workload)[names == name]
        assert set(own["n_test"]) == {len(values)}
        assert set(own["n_atoms"]) == {{"H2O": 3, "CH2O": 4, "H3N": 4}[str(name)]}
        assert own["test_force_mae_ev_ang"].to_numpy() == pytest.approx(PLANTED[str(name)], rel=1e-5)
        assert own["test_force_mae_se_ev_ang"].to_numpy() == pytest.approx(block_bootstrap_se(values), rel=1e-4)


def test_molecules_add_up_to_the_results(finished: Path) -> None:
    table, found = read_results(finished), read_molecules(finished)
    assert found is not None
    both = found.merge(table, on=KEY_COLUMNS, suffixes=("", "_all"))
    both["part"] = both["n_test"] * both["test_force_mae_ev_ang"] / both["n_test_all"]
    sums = both.groupby(KEY_COLUMNS, dropna=False)[["part", "n_test"]].sum().reset_index()
    both = sums.merge(table, on=KEY_COLUMNS, suffixes=("", "_all"))
    assert len(both) == len(table)
    assert both["part"].to_numpy() == pytest.approx(both["test_force_mae_ev_ang"].to_numpy(), rel=1e-12)
    assert (both["n_test"] == both["n_test_all"]).all()
    assert found.groupby("molecule")["test_force_mae_ev_ang"].mean().nunique() == 3


def test_the_order_of_atoms_does_not_matter() -> None:
    numbers = np.array([[8, 1, 1, 0], [1, 1, 0, 0], [1, 8, 1, 0], [6, 8, 1, 1]])
    found = rows_by_formula(numbers)
    assert {name: rows.tolist() for name, rows in found.items()} == {"H2O": [0, 2], "H2": [1], "CH2O": [3]}


@pytest.mark.parametrize("stop_before", [2, 4, 6])
def test_a_resumed_run_writes_the_same_file(
    workload: Workload, finished: Path, tmp_path: Path, stop_before: int
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(workload, folder, Counting(stop_before=stop_before))
    partial = read_molecules(folder)
    assert partial is not None
    assert len(partial) == 3 * len(read_results(folder))
    run(workload, folder)
    assert (folder / MOLECULES_FILE).read_bytes() == (finished / MOLECULES_FILE).read_bytes()
    assert not list(folder.glob(".*.tmp"))


def test_a_finished_run_of_an_older_release_gets_the_file(workload: Workload, finished: Path, tmp_path: Path) -> None:
    copy = copy_of(finished, tmp_path)
    (copy / MOLECULES_FILE).unlink()
    again = Counting()
    run(workload, copy, again)
    assert again.packs == []
    assert (copy / MOLECULES_FILE).read_bytes() == (finished / MOLECULES_FILE).read_bytes()


def test_one_molecule_has_no_such_file(tiny_workload: Workload, tiny_run: Path, tmp_path: Path) -> None:
    assert read_molecules(tiny_run) is None
    copy = copy_of(tiny_run, tmp_path)
    (copy / MOLECULES_FILE).write_text("of labels that were of several molecules")
    run(tiny_workload, copy)
    assert not (copy / MOLECULES_FILE).exists()


def test_a_table_survives_its_file(finished: Path, tmp_path: Path) -> None:
    found = read_molecules(finished)
    assert found is not None
    found = found.assign(test_force_mae_ev_ang=found["test_force_mae_ev_ang"] / 3)  # digits that no file has rounded
    single = found.assign(test_force_mae_se_ev_ang=np.nan)
    assert {np.inf, 1.0} <= set(found["gamma_rel"])
    for table in (found, single, molecules_frame([])):
        write_molecules(table, tmp_path)
        pd.testing.assert_frame_equal(read_molecules(tmp_path), table, check_exact=True)
        assert [path.name for path in tmp_path.iterdir() if path.name != DIGESTS_FILE] == [MOLECULES_FILE]
    assert list(found.dtypes.astype(str)) == [dtype for dtype, _ in MOLECULE_COLUMNS.values()]
    shuffled = found.sample(frac=1, random_state=0).to_dict("records")
    pd.testing.assert_frame_equal(molecules_frame(shuffled), found)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("n_atoms", "atoms", "missing: ['n_atoms'], unknown: ['atoms']"),
        (",H2O,3,", ",H2O,3.5,", "is damaged"),
        (",H2O,3,", ",H2O,,", "is damaged"),
        (",H2O,3,", ",H2O,-3,", "'n_atoms' of molecules.csv is at least 1, found -3"),
        (",H2O,3,", ",H2O,three,", "is damaged"),
        (",H2O,3,", ",H2O,3,3,", "is damaged"),
        (",H2O,3,", ",CH2O,3,", "found twice"),
        (",H2O,", ",H2O,\n", "is damaged"),
        (",0.", ",-0.", "is at least 0, found -0."),
    ],
)
def test_a_damaged_file_is_one_line(finished: Path, tmp_path: Path, old: str, new: str, says: str) -> None:
    copy = damaged(finished, tmp_path, old, new)
    with pytest.raises(InputError) as refusal:
        read_molecules(copy)
    message = str(refusal.value)
    assert says in message
    assert MOLECULES_FILE in message
    assert "repeat 'asteroid-study run'" in message
    assert "\n" not in message
    code, _, error = answer("report", str(copy))
    assert (code, error.count("\n")) == (2, 1)
    assert not (copy / "report.html").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"strategy\n"])
def test_no_table_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MOLECULES_FILE).write_bytes(content)
    with pytest.raises(InputError, match="repeat 'asteroid-study run'") as refusal:
        read_molecules(tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_file_that_was_cut_or_belongs_to_another_run(finished: Path, tmp_path: Path) -> None:
    lines = (finished / MOLECULES_FILE).read_text().splitlines(keepends=True)
    for text in ("".join(lines[:-1]), "".join(lines).replace(",H2O,3,", ",H2O,3,1")):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(finished, copy)
        (copy / MOLECULES_FILE).write_text(text)
        (copy / DIGESTS_FILE).unlink()
        code, _, error = answer("report", str(copy))
        assert (code, error.count("\n")) == (2, 1)
        assert "errors by molecule in molecules.csv have the mean of the results" in error


def test_the_report_has_the_table_and_does_without_the_file(finished: Path, tmp_path: Path) -> None:
    copy = copy_of(finished, tmp_path)
    code, out, _ = answer("report", str(copy))
    assert code == 0, out
    page = (copy / "report.html").read_text()
    assert '<section id="molecules">' in page
    assert '<th scope="row">H₃N</th><td>4</td>' in page
    (copy / MOLECULES_FILE).unlink()
    assert answer("report", str(copy))[0] == 0
    assert "Errors by molecule" not in (copy / "report.html").read_text()
