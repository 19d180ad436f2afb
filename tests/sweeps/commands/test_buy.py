"""The command `buy`: a purchase from the command line, status of it, a kill anywhere, labels handed over."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from command_line import answer, refused
from drawn_run import draw_only_svg
from orca_like import TEMPLATE, run_jobs
from tblite.ase import TBLite
from tiny_purchase import STUDY
from tiny_sweep import write_labels

from asteroid.deploy.calculator import asteroid_model
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path

REPLAY = STUDY[STUDY.index("  replay:") : STUDY.index("strategies")]
HAND_OVER = """  level: ccsd_t/cc-pvdz
  price: 28s
  candidates: 60
  hand_over: {template: orca.inp.jinja, outputs: "*.out"}
"""
#: A target between what 10 and what all labels can do does not exist for nets this small: it is not met, and said so.
WORDS = ("--target", "0.1 kcal/mol/A", "--most", "14")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_labels(folder)
    (folder / "study.yaml").write_text(STUDY)
    (folder / "easy.yaml").write_text(STUDY)
    (folder / "orca.inp.jinja").write_text(TEMPLATE)
    (folder / "handed.yaml").write_text(STUDY.replace(REPLAY, HAND_OVER))
    return folder


@pytest.fixture(scope="module")
def made(files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("made") / "out"
    code, said, err = answer("buy", str(files / "study.yaml"), *WORDS, "--out", str(out))
    assert (code, err) == (0, "")
    return out, said


def certificate(folder: Path) -> dict[str, Any]:
    """What is certified, without what a clock has measured, and the digest that covers it."""
    told = json.loads((folder / "certificate.json").read_text())
    del told["spent_cpu_s"]["training of all rounds"], told["digest"]
    return dict(told)


def test_a_target_out_of_reach_is_said_with_the_error_that_can_be_had(made: tuple[Path, str]) -> None:
    out, said = made
    assert re.search(r"^round 1 \| 10 labels, 4\.7 min \| .* kcal/mol/Å \| P 0\.0\d \| ", said, re.MULTILINE)
    assert "will not be met" in said or "No more labels may be bought" in said
    told = certificate(out)
    assert not told["met"]
    assert told["labels"]["owned"] <= 14
    assert told["standing"]["probability"] < 0.5
    assert (out / "certificate.txt").read_text() in said + "\n"
    for name in ("purchase.pdf", "purchase.svg", "purchase.png", "purchase.csv"):
        assert (out / "figures" / name).stat().st_size > 100
    assert re.search(r"on 20 labels that the purchase has not seen: \d+", said)
    assert told["model"] == "model"
    card = asteroid_model(out / "model").force_field.card
    assert list(card.training.stage_keys) == told["stage_keys"]
    assert card.training.n_labels == told["labels"]["owned"]


def test_status_shows_rounds_and_certificate(made: tuple[Path, str]) -> None:
    code, said, _ = answer("status", str(made[0]))
    assert code == 0
    assert said.startswith("tiny: purchase of ccsd_t/cc-pvdz labels, complete")
    assert "error (kcal/mol/Å)" in said
    assert (made[0] / "certificate.txt").read_text() in said


def test_report_plot_and_plan_read_its_folder(made: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    draw_only_svg(monkeypatch)
    out = made[0]
    assert answer("report", str(out))[0] == 0
    page = (out / "report.html").read_text()
    assert "cv_force_mae" in page
    assert "GFN2-xTB" in page
    code, said, _ = answer("plot", str(out), "--out", str(out / "drawn"))
    assert code == 0
    assert said.count(": pdf, svg, png, csv") == 2
    code, said, _ = answer("plan", str(out), "--target", "30 kcal/mol/A", "--json")
    assert code == 0
    told = json.loads(said)
    assert told["measured_by"] == "cross_validation"
    assert told["ways"][0]["promised"]
    code, said, _ = answer("plan", str(out), "--budget", "5min")
    assert "10 more than are owned" in said
    assert "leave out" in refused("plan", out, "--target", "3 kcal/mol/A", "--next", "2")
    assert "drawn by itself" in refused("plot", out, out.parent)


def test_energies_alone_are_bought_for_a_target_on_energies(files: Path, tmp_path: Path) -> None:
    study, out = files / "energies.yaml", tmp_path / "out"
    study.write_text(STUDY.replace("buy:\n", "buy:\n  forces: none\n  price: 9s\n"))
    assert "give a target on energies" in refused("buy", study, "--target", "0.3 kcal/mol/A", "--out", out)
    assert not out.exists()
    code, said, err = answer("buy", str(study), "--target", "3 meV/atom", "--most", "10", "--out", str(out))
    assert (code, err) == (0, "")
    assert re.search(r"^round 1 \| 10 labels, 1\.5 min \| .* meV/atom \| P ", said, re.MULTILINE)
    assert "Energy MAE per atom" in (out / "certificate.txt").read_text()
    assert re.search(r"on 20 labels that the purchase has not seen: [\d.]+ meV/atom", said)
    assert read_labels(out / "labels.npz", Declaration(forces="none")).labels.forces is None
    told = certificate(out)
    assert (told["measured"], told["n_atoms"]) == ("energies per atom", 6)
    # The same labels and errors, six atoms at once.
    whole = json.loads(answer("plan", str(out), "--target", "500 kcal/mol", "--json")[1])
    assert whole["measured"] == "energies"
    (same,) = [way for way in whole["ways"] if way["key"]["strategy"] == told["standing"]["key"]["strategy"]]
    assert (same["n_labels"], same["promised"]) == (10, True)
    assert same["error_ev_ang"] == pytest.approx(6 * told["standing"]["error_ev_ang"], rel=1e-6)
    assert "found energies alone" in refused("plan", out, "--target", "3 kcal/mol/A")
    assert answer("report", str(out))[0] == 0
    assert "cv_energy_free_mae" in (out / "report.html").read_text()


def test_a_study_of_a_purchase_is_no_sweep(files: Path, tmp_path: Path) -> None:
    assert "use it with 'asteroid-study buy'" in refused("run", files / "study.yaml", "--out", tmp_path / "run")


def test_an_easy_target_is_met_at_once(files: Path, tmp_path: Path) -> None:
    words = ("buy", str(files / "easy.yaml"), "--target", "200 kcal/mol/A", "--out", str(tmp_path / "out"))
    code, said, _ = answer(*words)
    assert code == 0
    assert "| stop" in said
    told = certificate(tmp_path / "out")
    assert told["met"]
    assert told["labels"] == {"owned": 10, "bought": 10, "failed": 0}
    assert answer(*words)[0] == 0  # again: it is told, not made


def test_killed_anywhere_it_ends_with_the_same_certificate(files: Path, made: tuple[Path, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-m", "sweeps", "buy", str(files / "study.yaml"), *WORDS, "--out", str(out)]
    marks = (out / "labels.npz", out / "out_of_fold.csv")
    for mark in marks:
        process = subprocess.Popen(
            words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        until = time.monotonic() + 120
        while not mark.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert mark.exists()
    assert answer("buy", str(files / "study.yaml"), *WORDS, "--out", str(out))[0] == 0
    assert certificate(out) == certificate(made[0])
    assert (out / "out_of_fold.csv").read_text() == (made[0] / "out_of_fold.csv").read_text()


def test_handed_over_to_another_program(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of a stand-in for ORCA: some turn the molecule, some do not converge, some are lost."""
    out = tmp_path / "out"
    words = ("buy", str(files / "handed.yaml"), "--target", "200 kcal/mol/A", "--out", str(out))
    monkeypatch.setattr("sys.argv", ["asteroid-study", *words, "--give-up"])
    code, said, _ = answer(*words)
    assert code == 0
    assert "10 geometries are to be labelled with ccsd_t/cc-pvdz" in said
    assert "waiting" in answer("status", str(out))[1]
    jobs = sorted((out / "batches" / "001").glob("g*.inp"))
    assert len(jobs) == 10
    run_jobs(jobs, turned=["g00002", "g00005"], unconverged=["g00003"], skipped=["g00004"])
    _, said, _ = answer(*words)
    assert "9 of 10 outputs found, missing: g00004" in said
    assert "g00003: no label in g00003.out (the job in g00003.out must" in said
    code, said, _ = answer(*words, "--give-up")
    assert code == 0
    for failed in (3, 4):
        assert f"geometry {failed} gave no label and is replaced by the next in order" in said
    assert "batch 2: 2 geometries" in said
    assert said.rstrip().endswith(str(out)), "to go on, nothing is given up"
    run_jobs(sorted((out / "batches" / "002").glob("g*.inp")))
    code, said, err = answer(*words)
    assert code == 0, err
    assert certificate(out)["labels"] == {"owned": 10, "bought": 10, "failed": 2}
    labels = read_labels(out / "labels.npz").labels
    assert labels.frame_id.tolist() == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]
    # Labels are what the program computes at the geometries that were asked for, in their orientation.
    for row, positions in enumerate(labels.positions[:4]):
        atoms = Atoms(labels.numbers, positions, calculator=TBLite(method="GFN1-xTB", verbosity=0))
        assert labels.energy is not None
        assert labels.forces is not None
        assert labels.energy[row] == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
        np.testing.assert_allclose(labels.forces[row], atoms.get_forces(), atol=2e-4)


@pytest.mark.parametrize("ending", ["*.out", "*.engrad"])
def test_outputs_that_do_not_fit_are_refused(files: Path, tmp_path: Path, ending: str) -> None:
    study = tmp_path / "handed.yaml"
    text = (files / "handed.yaml").read_text().replace("*.out", ending).replace("file: ", f"file: {files}/")
    study.write_text(text.replace("template: ", f"template: {files}/"))
    words = ("buy", str(study), "--target", "200 kcal/mol/A", "--out", str(tmp_path / "out"))
    assert answer(*words)[0] == 0
    batch = tmp_path / "out" / "batches" / "001"
    jobs = sorted(batch.glob("g*.inp"))
    run_jobs(jobs[:3])
    suffix = ending.removeprefix("*")
    # A job that was started from another one's output file.
    (batch / "g00003").with_suffix(suffix).write_bytes((batch / "g00002").with_suffix(suffix).read_bytes())
    said = answer(*words)[1]
    assert f"not used: g00003{suffix} (it holds the geometry of g00002)" in said
    assert "missing: g00003" in said
    (batch / "g00003").with_suffix(suffix).unlink()
    other = tmp_path / "g00003.inp"
    lines = jobs[3].read_text().splitlines()
    lines[3] = lines[3].replace("0.", "0.1", 1)
    other.write_text("\n".join(lines) + "\n")
    run_jobs([other])
    (batch / "g00003").with_suffix(suffix).write_bytes(other.with_suffix(suffix).read_bytes())
    assert "must hold geometries that were asked for" in refused(*words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--target", "0.3"), "unit"),
        (
            ("--target", "0.3 kcal/mol/A", "--confidence", "95"),
            "a confidence lies between 0.5 and 0.99, found 95: write for instance 0.95 or 95%",
        ),
        (("--target", "0.3 kcal/mol/A", "--most", "many"), "--most is a number of labels or a time"),
        (("--target", "0.3 kcal/mol/A", "--prior", "strong"), "--prior is learnt or vague"),
        (("--target", "0.3 kcal/mol/A", "--most", "4"), "a purchase begins with 10 labels, found a limit of 4"),
    ],
)
def test_mistakes(files: Path, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    assert says in refused("buy", files / "study.yaml", "--out", tmp_path / "out", *words)


def test_a_second_purchase_in_the_folder_is_refused(files: Path, made: tuple[Path, str]) -> None:
    words = ("buy", files / "study.yaml", "--out", made[0], "--target", "0.2 kcal/mol/A", "--most", "14")
    assert "was begun with another target (0.1 kcal/mol/Å, now 0.2 kcal/mol/Å)" in refused(*words)
