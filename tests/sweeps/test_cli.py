"""The front door: help of every command, the version, and one line for wrong options."""

from __future__ import annotations

import re
import shlex
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
import typer
from command_line import answer

from sweeps import cli
from sweeps.cli import COMMANDS, app

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [command.__name__.replace("_", "-") for command in COMMANDS]
GROUP = typer.main.get_command(app)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_with_examples(name: str) -> None:
    code, out, err = answer(name, "--help")
    assert (code, err) == (0, "")
    known = {option for parameter in GROUP.commands[name].params for option in parameter.opts}
    assert {option for option in known if option.startswith("--")} <= set(re.findall(r"--[a-z-]+", out))
    examples = [line.strip() for line in (COMMANDS[NAMES.index(name)].__doc__ or "").splitlines()]
    examples = [line for line in examples if line.startswith("asteroid-study ")]
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert words[1] == name
        assert {word for word in words if word.startswith("--")} <= known
        assert "".join(example.split()) in "".join(out.split()), "lines are wrapped"


def test_help_lists_every_command_with_its_whole_summary() -> None:
    code, out, err = answer("--help")
    assert (code, err) == (0, "")
    told = " ".join(out.split())
    for command in COMMANDS:
        assert (
            f" {command.__name__.replace('_', '-')} " + " ".join((command.__doc__ or "").split("\n\n")[0].split())
            in told
        )


def test_version() -> None:
    assert answer("--version") == (0, f"asteroid-study {metadata.version('asteroid-study')}\n", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plam"], "No such command 'plam'"),
        (["run"], "Missing argument"),
        (["run", "quickstart", "--worker", "2"], "--workers"),
        (["check", "quickstart", "--workers", "many"], "'--workers'"),
        (["check", "quickstart", "--workers", "9" * 400], "--workers"),
        (["fit", "x" * 5000], "x ... x"),
        (["plot", "{folder}/loop"], "found a loop of links"),
        (["label", "{folder}/loop", "--level", "hf", "--n", "1", "--out", "x.npz"], "found a loop of links"),
    ],
)
def test_wrong_words_get_one_line(
    words: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setattr("sys.argv", ["asteroid-study", *(word.replace("{folder}", str(tmp_path)) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    out, err = capsys.readouterr()
    assert (stopped.value.code, out) == (2, "")
    assert err.startswith("error: ")
    assert says in err
    assert err.count("\n") == 1
    assert len(err) < 500
