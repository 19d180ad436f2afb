"""The command `fit`, as a user types it."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.cli import app


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {"strategy": name, "n_train": n, "seed": seed, "force_mae": scale * n**-0.5 * np.exp(0.05 * rng.normal())}
        for name, scale in (("mace", 1.0), ("nequip", 1.5))
        for n in (20, 40, 80, 160, 320, 640)
        for seed in range(3)
    ]
    path = tmp_path / "table.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


WORDS = ["--x", "n_train", "--y", "force_mae", "--group", "strategy", "--seed", "seed"]


def test_curves_and_answers(table):
    result = CliRunner().invoke(app, ["fit", str(table), *WORDS, "--target", "0.06", "--price", "10min"])
    assert result.exit_code == 0
    assert "mace: 18 rows at 6 numbers of labels, 20 to 640" in result.output
    assert "0.06 in a new run with at least 90%" in result.output


def test_json_and_figures(table, tmp_path):
    words = ["fit", str(table), *WORDS, "--json", "--out", str(tmp_path / "figures")]
    data = json.loads(CliRunner().invoke(app, words).output)
    assert data["schema_version"] == 1
    assert [curve["group"] for curve in data["curves"]] == ["mace", "nequip"]
    files = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert files == ["fit.csv", "fit.pdf", "fit.png", "fit.svg"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fit", "{missing}"], "found none at"),
        (["fit", "{table}", "--y", "energy"], "no column 'energy'"),
        (["fit", "{table}", "--price", "3s"], "give --target as well"),
        (["fit", "{table}", "--target", "1", "--price", "3 parsecs"], "parsecs"),
    ],
)
def test_mistakes_get_one_line(table, tmp_path, words, says):
    filled = [word.format(table=table, missing=tmp_path / "none.csv") for word in words]
    result = CliRunner().invoke(app, filled)
    assert result.exit_code == 2
    assert says in result.output
    assert result.output.strip().count("\n") == 0
