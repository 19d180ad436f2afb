"""The JSON schema knows every file that this package reads and refuses what it refuses."""

from __future__ import annotations

from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml

from study.config.schema import file_schema

PRESETS = sorted(file.name for file in resources.files("sweeps.presets").iterdir() if file.name.endswith(".yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def plain(preset: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(resources.files("sweeps.presets").joinpath(preset).read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset: str, validator: Any) -> None:
    assert not list(validator.iter_errors(plain(preset)))


@pytest.mark.parametrize(
    "changes",
    [
        {"stratgies": []},
        {"budgets": "many"},
        {"data": {"dataset": "water"}},
        {"model": {"architecture": "mlp", "width": 3}},
        {"buy": {"start": 3}},
        {"gamma_rel": ["infinite"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_mistakes_are_marked(changes: dict[str, Any], validator: Any) -> None:
    assert list(validator.iter_errors(plain("strategies.yaml") | changes))


def test_settings_belong_to_their_architecture(validator: Any) -> None:
    for model, valid in (({"architecture": "schnet", "cutoff_ang": 4.0}, True), ({"architecture": "mlp"}, True)):
        assert validator.is_valid(plain("strategies.yaml") | {"model": model}) == valid
    assert not validator.is_valid(plain("strategies.yaml") | {"model": {"architecture": "mlp", "cutoff_ang": 4.0}})
