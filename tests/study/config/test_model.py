"""The section `model`: every setting of every architecture, with its bounds, and none of another."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from asteroid.models.architectures import ARCHITECTURES, settings_type
from asteroid.models.mlp import MLPSettings
from asteroid.models.schnet import SchNetSettings
from study.config.model import DEFAULT_MODEL, ModelSection
from study.config.sweep_text import parse_sweep, sweep_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.models.network import NetworkSettings

SWEEP = """
name: sections
data: {dataset: methanol}
test: {groups: [3]}
strategies: [accurate_only]
budgets: [20]
seeds: [0]
identify: {steps: 100, learning_rate: 0.01}
"""
SETTINGS = [(settings, field.name) for settings in ARCHITECTURES for field in fields(settings)]

NUMBERS = [(settings, name) for settings, name in SETTINGS if type(getattr(settings(), name)) in (int, float)]
EVERY = "'mlp', 'schnet', 'painn', 'nequip', 'mace', 'gemnet_t', 'gemnet_q', 'dimenet_pp', 'tensornet' or 'visnet'"

NONE = "model.architecture: no architecture is called"
VALID = (
    "(valid: mlp, schnet, painn, nequip, mace, gemnet_t, gemnet_q, dimenet_pp, tensornet, visnet, command, "
    "or module:factory for a network of your own)"
)


def section(folder: Path, model: dict[str, Any]) -> ModelSection:
    return parse_sweep(SWEEP + yaml.safe_dump({"model": model}), "sweep.yaml", folder).model


@pytest.mark.parametrize(("settings", "name"), SETTINGS, ids=lambda value: getattr(value, "architecture", value))
def test_every_setting_can_be_set_and_is_written_down(
    tmp_path: Path, settings: type[NetworkSettings], name: str
) -> None:
    default = getattr(settings(), name)
    wanted = replace(settings(), **{name: default[:1] if isinstance(default, tuple) else default + 1})
    found = section(tmp_path, {"architecture": settings.architecture, name: getattr(wanted, name)})
    assert found.settings() == wanted
    sweep = parse_sweep(SWEEP + yaml.safe_dump({"model": found.model_dump()}), "sweep.yaml", tmp_path)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(wanted).items()}
    assert yaml.safe_load(sweep_yaml(sweep))["model"] == {"architecture": settings.architecture, **plain}


@pytest.mark.parametrize(("settings", "name"), NUMBERS, ids=lambda value: getattr(value, "architecture", value))
def test_every_number_has_bounds(tmp_path: Path, settings: type[NetworkSettings], name: str) -> None:
    with pytest.raises(ValueError, match=rf"^sweep.yaml: model.{name}: Input should be greater than .*, found -1$"):
        section(tmp_path, {"architecture": settings.architecture, name: -1})
    with pytest.raises(ValueError, match=rf"^sweep.yaml: model.{name}: Input should be less than .*, found 1"):
        section(tmp_path, {"architecture": settings.architecture, name: 10**12})


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            {"cutoff_ang": 4.0},
            "model.cutoff_ang: this is a setting of architecture schnet, painn, nequip, mace, gemnet_t, gemnet_q, "
            "dimenet_pp, tensornet, visnet, found architecture mlp: remove one of the two (valid: architecture, "
            "hidden, layers)",
        ),
        (
            {"architecture": "schnet", "cutof_ang": 4.0},
            "unknown key 'model.cutof_ang': did you mean 'cutoff_ang'? "
            "(valid: architecture, hidden, layers, n_gaussians, cutoff_ang)",
        ),
        ({"architecture": "linear", "width": 8}, f"{NONE} 'linear' {VALID}"),
        ({"architecture": "nequp"}, f"{NONE} 'nequp': did you mean 'nequip'? {VALID}"),
        ({"architecture": "my_models.make"}, f"{NONE} 'my_models.make': did you mean 'my_models:make'? {VALID}"),
        ({"architecture": [1]}, f"model.architecture: Input should be {EVERY}, found [1]"),
    ],
)
def test_what_an_architecture_does_not_have_is_refused_in_one_line(
    tmp_path: Path, model: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole message is compared
        section(tmp_path, model)
    assert str(refusal.value) == f"sweep.yaml: {message}"


def test_a_section_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model: .*, found 3$"):
        parse_sweep(SWEEP + "model: 3", "sweep.yaml", tmp_path)


def test_the_first_architecture_is_the_default(tmp_path: Path) -> None:
    assert DEFAULT_MODEL.settings() == section(tmp_path, {}).settings() == MLPSettings()
    assert settings_type("schnet") is SchNetSettings


def test_a_model_of_the_users_own_has_its_arguments_as_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_sections.py").write_text("def make(hidden: int = 8, reach: float = 2.0): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = section(tmp_path, {"architecture": "own_sections:make", "reach": 3.0})
    assert found.model_dump() == {"architecture": "own_sections:make", "hidden": 8, "reach": 3.0}
    assert vars(found.settings()) == {"hidden": 8, "reach": 3.0}
    with pytest.raises(ValueError, match=r"unknown key 'model.reech': did you mean 'reach'\?"):
        section(tmp_path, {"architecture": "own_sections:make", "reech": 3.0})
    with pytest.raises(ValueError, match=r"^sweep.yaml: model.*: the module of 'own_missing:make' cannot be imported"):
        section(tmp_path, {"architecture": "own_missing:make"})


COMMANDS = {"architecture": "command", "train": "fit {train} {model}", "predict": "use {model} {frames} {predictions}"}


def test_an_outside_trainer_is_a_section_that_needs_its_commands(tmp_path: Path) -> None:
    settings = section(tmp_path, {**COMMANDS, "time_limit": "2h"}).settings()
    assert (settings.architecture, settings.limit_s) == ("command", 7200.0)
    with pytest.raises(ValueError, match=r"^sweep.yaml: model.predict: this key is required: add it$"):
        section(tmp_path, {key: value for key, value in COMMANDS.items() if key != "predict"})
    with pytest.raises(ValueError, match=r"^sweep.yaml: model: predict must name {model}, found 'x'"):
        section(tmp_path, {**COMMANDS, "predict": "x"})
    with pytest.raises(ValueError, match=r"unknown key 'model.layers'|model.layers: this is a setting of architecture"):
        section(tmp_path, {**COMMANDS, "layers": 2})


def test_strategies_and_searches_ask_what_an_outside_trainer_can_do(tmp_path: Path) -> None:
    text = SWEEP + yaml.safe_dump({"model": COMMANDS})
    pretrained = text.replace("[accurate_only]", "[pretrain_finetune]") + (
        "n_cheap: [100]\npretrain: {steps: 10, learning_rate: 0.1, validations: 1}\n"
        "finetune: {a: {steps: 10, learning_rate: 0.1, validations: 1}}\n"
    )
    with pytest.raises(
        ValueError, match=r"strategy pretrain_finetune goes on with a trained model: add model.finetune"
    ):
        parse_sweep(pretrained, "sweep.yaml", tmp_path)
    searched = text + (
        "tune: {budgets: [20], trials: 2, subset_seeds: [5, 6], pruning: {}, space: {identify_steps: [10, 20]}}\n"
    )
    with pytest.raises(ValueError, match=r"pruning interrupts trainings, architecture command cannot: remove pruning"):
        parse_sweep(searched, "sweep.yaml", tmp_path)
