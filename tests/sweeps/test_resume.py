"""The command lines that go on: they read back as the words that were given, spaces included."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer

from study.labelling.ray_workers import WorkersLostError
from sweeps.resume import run_command, stops_with_a_hint


def test_a_run_goes_on_with_its_options() -> None:
    words = shlex.split(run_command("my sweep.yaml", Path("runs/a b"), 2, "auto", Path("st ages"), extend=True))
    options = ["--out", "runs/a b", "--workers", "2", "--ray-address", "auto", "--store", "st ages", "--extend"]
    assert words == ["asteroid-study", "run", "my sweep.yaml", *options]
    assert run_command("quickstart", Path("run")) == "asteroid-study run quickstart --out run"


@pytest.mark.parametrize(
    ("raised", "code", "says"), [(KeyboardInterrupt(), 130, "stopped"), (WorkersLostError("lost"), 1, "error: lost")]
)
def test_labelling_stops_with_the_command_as_typed(
    raised: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/asteroid-study", "label", "my pool.npz"])
    with pytest.raises(typer.Exit) as stopped, stops_with_a_hint("labels are kept"):
        raise raised
    assert stopped.value.exit_code == code
    assert capsys.readouterr().err == f"{says}; labels are kept; to go on: asteroid-study label 'my pool.npz'\n"
