from __future__ import annotations

import json

import pytest
import typer

from sweeps import console


def test_lines_go_out_and_notes_beside_them(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("[bold]as it is[/bold]")
    console.note("beside")
    assert capsys.readouterr() == ("[bold]as it is[/bold]\n", "beside\n")


def test_json_has_no_number_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    console.say_json({"price": 1.5})
    assert json.loads(capsys.readouterr().out) == {"price": 1.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        console.say_json({"price": float("nan")})


def test_ends_have_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as mistake:
        console.fail("no such file")
    with pytest.raises(typer.Exit) as interrupted:
        console.stop("stopped", "3 labels are kept", "asteroid-study label x", 130)
    assert (mistake.value.exit_code, interrupted.value.exit_code) == (2, 130)
    wanted = "error: no such file\nstopped; 3 labels are kept; to go on: asteroid-study label x\n"
    assert capsys.readouterr() == ("", wanted)


def test_doubts_go_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    console.note_doubts(("one", "two"))
    assert capsys.readouterr() == ("", "note: one\nnote: two\n")
