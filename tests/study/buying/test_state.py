"""The folder of a purchase: one process at a time, one study and request, and a state that reads back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tiny_purchase import REQUEST, study_of

from asteroid.errors import InputError
from study.buying.decision import Standing, Verdict
from study.buying.labels import OUTCOMES
from study.buying.state import (
    STATE_FILE,
    PurchaseState,
    Round,
    claimed_purchase,
    is_purchase,
    new_state,
    read_state,
    rounds_table,
    write_state,
)
from study.config.buying import HandOverSection
from study.files import write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from study.config.buying import BuyStudy

LEVELS = ("ccsd_t/cc-pvdz", "gfn2-xtb")
STANDINGS = (Standing("b", 1.0, 0.8, 1.2, 0.5, True), Standing("a", 2.0, 1.6, 2.4, 0.5, True))


def state() -> PurchaseState:
    begun = new_state(study_of(Path()), REQUEST, LEVELS)
    looks = [
        Round(n, n, 1, 28.0 * n, 10.0, 100, Verdict("buy", n + 3, STANDINGS, ("because",)), {"c": "diverged"})
        for n in (10, 13)
    ]
    return replace(begun, batches=((0, 9), (10, 12)), rounds=tuple(looks), waiting_for=("compute",), status="waiting")


def test_it_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_state(tmp_path, state())
    again = read_state(tmp_path)
    assert replace(again, run_id="") == replace(state(), run_id="")
    assert is_purchase(tmp_path)


def test_rounds_as_a_table_have_the_best_first_and_sums_of_training() -> None:
    table = rounds_table(state())
    assert table["contender"].tolist() == ["b", "a", "b", "a"]
    assert table["best"].tolist() == [True, False, True, False]
    assert table["core_s"].tolist() == [10.0, 10.0, 20.0, 20.0]
    assert table["n_next"].tolist() == [13, 13, 16, 16]


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    held = (
        "import sys; from pathlib import Path; from study.files import locked\n"
        f"with locked(Path({str(tmp_path / 'out')!r})): print('held', flush=True); sys.stdin.read()\n"
    )
    (tmp_path / "out").mkdir()
    words = [sys.executable, "-c", held]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(InputError, match=f"in use by process {other.pid}"),
            claimed_purchase(tmp_path / "out", study_of(tmp_path), REQUEST, LEVELS),
        ):
            pass
        other.stdin.close()
    with claimed_purchase(tmp_path / "out", study_of(tmp_path), REQUEST, LEVELS) as begun:
        assert begun.rounds == ()


def test_a_purchase_goes_on_where_it_began(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    with claimed_purchase(tmp_path / "out", study, REQUEST, LEVELS, "cuda") as begun:
        assert begun.device == "cuda"
    with (
        pytest.raises(
            InputError, match="was trained on cuda, found --device cpu: add --device cuda, or choose another"
        ),
        claimed_purchase(tmp_path / "out", study, REQUEST, LEVELS),
    ):
        pass
    record = read_state(tmp_path / "out").to_json()
    del record["device"]  # as earlier releases wrote it
    write_record(tmp_path / "out" / STATE_FILE, record)
    with claimed_purchase(tmp_path / "out", study, REQUEST, LEVELS) as begun:
        assert begun.device == "cpu"


def test_how_outputs_are_read_may_change_until_a_label_is_kept(tmp_path: Path) -> None:
    """Who computes with another program than the drafted template's says so once the geometries are there."""
    study, folder = study_of(tmp_path), tmp_path / "out"

    def handed(outputs: str, **more: Any) -> BuyStudy:
        section = HandOverSection(template=Path("orca.inp.jinja"), outputs=outputs, **more)
        return study.model_copy(update={"buy": study.buy.model_copy(update={"replay": None, "hand_over": section})})

    for outputs in ("*.engrad", "*.extxyz"):
        with claimed_purchase(folder, handed(outputs), REQUEST, LEVELS):
            assert outputs in (folder / "study.yaml").read_text()
    with claimed_purchase(folder, handed("*.extxyz", force_unit="eV/Angstrom"), REQUEST, LEVELS):
        assert "eV/Angstrom" in (folder / "study.yaml").read_text()
    (folder / OUTCOMES).mkdir()
    (folder / OUTCOMES / "00000.npz").write_bytes(b"")
    with pytest.raises(InputError, match="force_unit"), claimed_purchase(folder, handed("*.x"), REQUEST, LEVELS):
        pass
    now = handed("*.x", force_unit="eV/Angstrom")
    with claimed_purchase(folder, now, REQUEST, LEVELS):
        pass
    refused = pytest.raises(InputError, match=r"buy\.hand_over\.charge: it has 0, the new sweep 1")
    with refused, claimed_purchase(folder, handed("*.x", charge=1), REQUEST, LEVELS):
        pass


def test_folders_that_are_no_purchase(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    (tmp_path / "file").write_text("")
    for name, says in (("full", "found other files"), ("file", "must be a folder")):
        with pytest.raises(InputError, match=says), claimed_purchase(tmp_path / name, study, REQUEST, LEVELS):
            pass
    with pytest.raises(InputError, match="no purchase in"):
        read_state(tmp_path / "full")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema_version": 9}, "has schema 9"),
        ({"rounds": [{"n_owned": 3}]}, r"is damaged \(rounds\.0\.n_bought: Field required"),
        ({"levels": []}, r"is damaged \(levels: Tuple should have at least 2 items"),
        ({"delivered": {"n_hidden": 3}}, "is damaged"),
        ({"request": {**asdict(REQUEST), "measured": "charges"}}, "is damaged"),
    ],
)
def test_a_state_of_other_contents_is_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    write_record(tmp_path / STATE_FILE, state().to_json() | change)
    with pytest.raises(InputError, match=says):
        read_state(tmp_path)


@pytest.mark.parametrize(
    ("alter", "says"),
    [
        (lambda text: text.replace('"n_owned": ', '"n_owned": 1', 1), "digest differs"),
        (lambda text: f"[{text}]", "is damaged"),
        (lambda text: text[:-9], "is damaged"),
    ],
)
def test_an_altered_file_is_refused(tmp_path: Path, alter: Callable[[str], str], says: str) -> None:
    write_state(tmp_path, state())
    path = tmp_path / STATE_FILE
    text = path.read_text()
    path.write_text(alter(text))
    assert path.read_text() != text
    with pytest.raises(InputError, match=says):
        read_state(tmp_path)
