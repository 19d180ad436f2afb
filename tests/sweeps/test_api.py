"""`import sweeps`: what the commands do, as functions with the commands' options, which print nothing."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import typer
from command_line import answer
from drawn_run import make_run

import sweeps
from asteroid.errors import InputError
from sweeps.cli import app

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = [name for name in sweeps.__all__ if inspect.isfunction(getattr(sweeps, name))]
GROUP = typer.main.get_command(app)
#: Options that say how a command prints, and arguments of functions that have another name or stand for a listener.
PRINTED, RENAMED = {"as_json"}, {"price": "prices", "next_k": "next_runs"}
LISTENERS = {"on_line", "on_progress", "on_labels"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("api") / "run")


def test_importing_it_loads_nothing() -> None:
    code = "import sys, sweeps; sys.exit(len({'numpy', 'pydantic', 'typer'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_offers_what_it_names_and_nothing_else() -> None:
    assert {"check", "run", "plan", "plot", "report", "buy", "fit", "export", "predict", "evaluate"} <= set(FUNCTIONS)
    assert dir(sweeps) == sweeps.__all__ == sorted(sweeps.__all__)
    assert not hasattr(sweeps, "sell")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_are_the_options_of_the_command_typed_and_explained(name: str) -> None:
    function, command = getattr(sweeps, name), GROUP.commands[name.replace("_", "-")]
    taken = inspect.signature(function).parameters
    renamed = {} if name == "fit" else RENAMED  # one price, for the one kind of labels of a table
    options = {renamed.get(option.name, option.name) for option in command.params} - PRINTED
    extra = set(taken) - options
    if name in ("plan", "fit", "rank_cheap"):  # lines are made afterwards, in any unit
        options -= {"force_unit"}
    assert options <= set(taken)
    assert extra <= LISTENERS
    explained = re.findall(r"^ {8}(\w+): \S", inspect.getdoc(function).replace("\n", "\n    "), re.MULTILINE)
    assert set(taken) <= set(explained)
    assert all(argument.annotation is not inspect.Parameter.empty for argument in taken.values())
    defaults = {option.name: option.default for option in command.params if not option.required}
    for option, default in defaults.items():
        own = taken.get(renamed.get(option, option))
        if own is not None and default is not None and own.default is not None:
            assert own.default == default, option


def test_a_plan_is_that_of_the_command(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"target": "0.3 kcal/mol/A", "prices": {"ccsd_t/cc-pvdz": 60}, "already": {"CCSD_T/cc-pVDZ": 5}}
    found = sweeps.plan(run, **asked)
    assert capsys.readouterr() == ("", "")
    words = ("plan", str(run), "--target", "0.3 kcal/mol/A", "--price", "ccsd_t/cc-pvdz=1min")
    words += ("--already", "ccsd_t/cc-pvdz=5")
    assert found.to_json() == json.loads(answer(*words, "--json")[1])
    assert str(found).splitlines() == answer(*words)[1].splitlines()
    assert found.choice is found.options[0]
    assert list(found.table["n_accurate"]) == [option.n_accurate for option in found.options]
    assert sweeps.plan(run, target=1e-7).choice is None


def test_a_price_and_the_next_runs(run: Path) -> None:
    bought = sweeps.plan(run, budget="2h")
    assert bought.choice.cost_cpu_s <= 7200
    following = sweeps.plan(run, target="0.2 kcal/mol/A", next_runs=2)
    assert following.choice is None
    assert len(following.table) == 2
    assert (following.table["new_labels"] <= following.table["budget"]).all()


def test_a_page_repeats_with_the_prices_given(run: Path) -> None:
    page = sweeps.report(run, target="0.3 kcal/mol/A", prices={"ccsd_t/cc-pvdz": 600.0})
    assert "--price ccsd_t/cc-pvdz=600.0s" in page.file.read_text()


def test_a_frame_is_fitted_as_its_file_is(tmp_path: Path) -> None:
    rows = [(n, n**-0.5 * (1 + 0.03 * s), s) for n in (10, 20, 40, 80, 160, 320) for s in (-1, 0, 1)]
    frame = pd.DataFrame(rows, columns=["n", "mae", "seed"])
    frame.to_csv(tmp_path / "errors.csv", index=False)
    asked = {"x": "n", "y": "mae", "target": 0.07, "price": 60}
    told = sweeps.fit(frame, **asked)
    assert told.to_json() == sweeps.fit(tmp_path / "errors.csv", **asked).to_json()
    assert told.table["slope.median"].item() == pytest.approx(0.5, abs=0.03)
    assert "labels" in str(told)


def test_mistakes_are_raised(run: Path) -> None:
    with pytest.raises(InputError, match="--target or --budget"):
        sweeps.plan(run)
    with pytest.raises(InputError, match="found none"):
        sweeps.plot()
    assert sweeps.InputError is InputError
