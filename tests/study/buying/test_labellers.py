"""Ways to a label: the user's calculator from the beginning to the end, levels, replays, and mistakes at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_purchase import STUDY, bought, tools_of, until

from asteroid.errors import InputError
from asteroid.io.read import read_labels
from study.buying.labellers import make_labeller
from study.buying.load import load_candidates
from study.config.buying import BuyStudy, parse_buy_study

if TYPE_CHECKING:
    from pathlib import Path

    from study.buying.batch import Labeller

#: GFN1-xTB as somebody's own calculator, which does not work for every third geometry.
CALCULATOR = """
from ase.calculators.calculator import all_changes
from tblite.ase import TBLite

CALLS = []


class Sometimes(TBLite):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        CALLS.append(atoms.positions[0, 0])
        if len(CALLS) % 3 == 0:
            raise RuntimeError("no convergence")
        super().calculate(atoms, properties, system_changes)


def make():
    return Sometimes(method="GFN1-xTB", verbosity=0)


class Stiff(TBLite):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        for name in ("energy", "forces"):
            self.results[name] = 2.5 * self.results[name]


def make_stiff():
    return Stiff(method="GFN1-xTB", verbosity=0)
"""


@pytest.fixture(scope="module")
def files(files: Path) -> Path:
    (files / "my_purchase_calculator.py").write_text(CALCULATOR)
    return files


def here(files: Path, how: str) -> BuyStudy:
    text = STUDY[: STUDY.index("  replay:")] + f"  level: my-method\n  price: 28s\n  candidates: 60\n  here: {how}\n"
    return parse_buy_study(text + STUDY[STUDY.index("strategies") :], "study.yaml", files)


def labeller(study: BuyStudy, files: Path) -> Labeller:
    return make_labeller(
        study,
        load_candidates(study),
        workers=1,
        calculator_folder=files,
        give_up=False,
        on_progress=lambda _: None,
    )


def test_a_calculator_of_the_users_labels_a_purchase(files: Path, tmp_path: Path) -> None:
    study, notes = here(files, '{calculator: "my_purchase_calculator:make"}'), list[str]()
    state = bought(study, tmp_path / "out", labeller(study, files), notes=notes, decide=until(13))
    assert state.status == "complete"
    assert [own.n_owned for own in state.rounds] == [10, 13]
    labels = read_labels(tmp_path / "out" / "labels.npz").labels
    assert (len(labels), labels.level) == (13, "my-method")
    assert labels.cpu_s is not None
    assert (labels.cpu_s > 0).all()
    assert state.rounds[-1].n_failed == len(notes) > 2
    assert "RuntimeError: no convergence" in notes[0]
    calls = len(sys.modules["my_purchase_calculator"].CALLS)
    bought(study, tmp_path / "out", labeller(study, files), notes=notes, decide=until(13))
    assert len(sys.modules["my_purchase_calculator"].CALLS) == calls, "nothing is computed twice"


def test_the_stated_unit_of_a_calculator_is_believed(files: Path, tmp_path: Path) -> None:
    """Honest forces may be far from the cheap ones in size; what was computed before that is said counts."""
    stiff = 'calculator: "my_purchase_calculator:make_stiff"'
    study = here(files, f"{{{stiff}}}")
    with pytest.raises(InputError, match="declare force_unit, which is then believed"):
        bought(study, tmp_path / "out", labeller(study, files), decide=until(10))
    stated = here(files, f"{{{stiff}, force_unit: eV/Angstrom}}")
    assert bought(stated, tmp_path / "out", labeller(stated, files), decide=until(10)).status == "complete"


@pytest.mark.parametrize(
    ("how", "says"),
    [('{calculator: "nowhere:make"}', "nowhere"), ("{}", "my-method")],
)
def test_what_cannot_be_computed_is_said_before_anything_is_bought(files: Path, how: str, says: str) -> None:
    study = here(files, how)
    with pytest.raises(InputError, match=says):
        labeller(study, files)


def test_a_replay_gives_the_labels_of_the_file(files: Path, tmp_path: Path) -> None:
    study = parse_buy_study(STUDY, "study.yaml", files)
    candidates = load_candidates(study)
    state = bought(study, tmp_path / "out", decide=until(10))
    assert state.status == "complete"
    assert candidates.replay is not None
    labels = read_labels(tmp_path / "out" / "labels.npz").labels
    np.testing.assert_allclose(labels.energy, candidates.replay.select(np.arange(10)).energy)
    assert tools_of(study, candidates).labeller is not None
