"""The page about models: a model of one's own is taken from it and trained."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch
from command_line import call
from tiny_sweep import SWEEP

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_a_model_of_ones_own_trains(tiny_labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (module,) = re.findall(r"Save as `my_models.py`:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    (given,) = re.findall(r"added to `my_models.py`:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    (line,) = re.findall(r"`own.yaml` say,\n\n```yaml\n(.*?)\n```", PAGE)
    text = SWEEP.replace("file: ", f"file: {tiny_labels}/").replace("model: {hidden: 8}", line)
    for old, new in (
        ("cheap_only, pretrain_finetune, asteroid]", "pretrain_finetune]"),
        ("budgets: [10, 15]", "budgets: [10]"),
        ("seeds: [0, 1]", "seeds: [0]"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "my_models.py").write_text(module + "\n\n" + given)
    (tmp_path / "own.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    commands = re.findall(r"^asteroid-study (\w+) own.yaml(.*)$", PAGE, re.MULTILINE)
    assert [name for name, _ in commands] == ["check", "run"]
    for name, options in commands:
        result = call(name, "own.yaml", *options.split())
        assert result.exit_code == 0, result.output
    assert (pd.read_csv(tmp_path / "runs" / "own" / "results.csv")["status"] == "ok").all()

    (model, start) = re.findall(r"`start.yaml` say.*?\n\n```yaml\n(.*?)\n(.*?)\n```", PAGE, re.DOTALL)[0]
    text = text.replace(line, model).replace("pretrain: {steps: 24, learning_rate: 0.01, validations: 2}", start)
    (tmp_path / "start.yaml").write_text(text)
    weights = importlib.import_module("my_models").Pairs(16).state_dict()
    torch.save(weights, tmp_path / "pairs.pt")
    (options,) = re.findall(r"^asteroid-study run start.yaml (.*)$", PAGE, re.MULTILINE)
    result = call("run", "start.yaml", *options.split())
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "runs" / "start" / "results.csv").set_index("strategy")
    assert set(rows["status"]) == {"ok"}
    assert rows.loc["pretrain_finetune", "n_cheap"] == 0
    assert rows.loc["pretrain_finetune", "recipe_core_s"] > 7200 > rows.loc["accurate_only", "recipe_core_s"]
