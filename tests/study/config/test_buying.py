"""Study files of purchases: one way to labels, paths from the file's folder, mistakes in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_purchase import STUDY, study_of

from asteroid.errors import InputError
from study.config.buying import parse_buy_study, read_buy_study, study_yaml

HERE = ("  replay:\n", "  level: CCSD(T)/cc-pVDZ\n  price: 28s\n  here: {}\n  replay:\n")
REPLAY = STUDY[STUDY.index("  replay:") : STUDY.index("strategies")]


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    assert study.data.cheap is not None
    assert study.buy.replay is not None
    assert study.buy.replay.labels is not None
    assert study.data.cheap.file == tmp_path / "cheap.npz"
    assert study.buy.replay.labels.file == tmp_path / "accurate.npz"
    text = "  level: CCSD(T)/cc-pVDZ\n  price: 28s\n  hand_over: {template: orca.inp.jinja}\n"
    handed = study_of(tmp_path, (REPLAY, text)).buy
    assert handed.hand_over is not None
    assert handed.hand_over.template == tmp_path / "orca.inp.jinja"
    assert handed.level == "ccsd_t/cc-pvdz"


def test_the_whole_study_reads_back(tmp_path: Path) -> None:
    study = study_of(tmp_path, ("n_cheap: [40]", "n_cheap: [40]\ngamma_rel: [1, inf]"))
    assert parse_buy_study(study_yaml(study), "study.yaml", Path("/elsewhere")) == study


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (*HERE, "found here and replay: name one"),
        (REPLAY, "  level: hf/sto-3g\n  here: {}\n", "what is bought needs a price"),
        (REPLAY, "", "found none: name one"),
        (
            REPLAY,
            "  level: mine\n  price: 1s\n  here: {calculator: 'my:make', force_unit: kcal/mol/A}\n",
            "ASE calculators give eV and eV/Å, found force_unit 'kcal/mol/A'",
        ),
        ("name: tiny", "name: tiny\ntest: {share: 0.3}", "has no 'test'"),
        ("start: 10", "start: 4", "start"),
        ("start: 10", "strat: 10", "did you mean 'start'"),
        ("n_cheap: [40]", "n_cheap: {hf/sto-3g: [40]}", "one cheap level, found n_cheap by level"),
        ("[accurate_only, pretrain_finetune]", "[cheap_only]", "no strategy here learns from accurate labels"),
        ("  cheap: {file: cheap.npz", "  accurate: {file: cheap.npz", "name a file under 'cheap'"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        study_of(tmp_path, (old, new))
    assert "\n" not in str(caught.value)


def test_outputs_stay_in_their_folder(tmp_path: Path) -> None:
    text = "  level: hf/sto-3g\n  price: 1s\n  hand_over: {template: a.inp, outputs: ../*.out}\n"
    with pytest.raises(InputError, match="outputs lie in the folder of their batch"):
        study_of(tmp_path, (REPLAY, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be readable text"):
        read_buy_study(tmp_path / "none.yaml")
