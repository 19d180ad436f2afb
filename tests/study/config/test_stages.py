"""What each strategy needs of a sweep file, sizes of the architectures, and architectures as a search dimension."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from every_section import SCHEDULE, TWO_LEVELS, parse, sweep_data
from tiny_sweep import NINE, sweep_of

from asteroid.errors import InputError
from asteroid.models.architectures import ARCHITECTURES
from asteroid.models.mlp import MLPSettings
from asteroid.models.nequip import NequIPSettings
from asteroid.models.schnet import SchNetSettings
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.stage import ScoreSettings
from asteroid.training.schedule import Schedule
from study.config.sweep_text import sweep_yaml
from study.counts import LowerLevels
from study.data.load import load_data
from study.engine.executors import SerialExecutor
from study.recipes.recipes import TunedSettings
from study.recipes.settings import default_settings
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.tables.trials import read_trials

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.models.network import NetworkSettings


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        parse(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


#: The sections that each strategy cannot do without; `asteroid` is asked for together with what it is judged against.
NEEDS: dict[str, tuple[str, ...]] = {
    "accurate_only": (),
    "cheap_only": ("n_cheap", "pretrain"),
    "pretrain_finetune": ("n_cheap", "pretrain", "finetune"),
    "asteroid": ("n_cheap", "pretrain", "finetune"),
    "asteroid_unlabelled": ("n_cheap", "score_match", "finetune"),
    "residual": ("n_cheap", "pretrain"),
    "gdml": (),
    "gdml_residual": ("n_cheap", "pretrain"),
    "gdml_delta": (),
    "network_delta": (),
}
SECTIONS = ("n_cheap", "pretrain", "score_match", "finetune")


@pytest.mark.parametrize("strategy", TWO_LEVELS)
def test_a_strategy_needs_its_sections_and_no_others(strategy: str) -> None:
    asked = ("pretrain_finetune", strategy) if strategy == "asteroid" else (strategy,)
    needed = NEEDS[strategy]
    parse(sweep_data(*asked, **{section: ... for section in SECTIONS if section not in needed}))
    for section in needed:
        message = refusal(sweep_data(*asked, **{section: ...}))
        assert f"strategy {asked[0]} needs" in message
        assert f"'{section}'" in message
        assert "add" in message


def test_what_all_nine_take_by_default() -> None:
    sweep = parse(sweep_data())
    assert sweep.kernel.settings() == KernelSettings()
    assert sweep.score_match is not None
    assert sweep.score_match.schedule() == Schedule(**SCHEDULE)
    settings = default_settings(sweep, "standard")
    assert settings.residual == settings.identify, "residual networks train as identifying ones do"
    assert settings.n_probes == 3
    assert default_settings(parse(sweep_data(score_match=dict(SCHEDULE))), None).n_probes == ScoreSettings.n_probes
    other = parse(sweep_data(residual={"steps": 7, "learning_rate": 0.5, "validations": 1}))
    assert default_settings(other, "standard").residual.steps == 7
    assert sweep_yaml(parse(yaml.safe_load(sweep_yaml(sweep)))) == sweep_yaml(sweep)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kernel": {"sigmas": []}}, ["kernel.sigmas", "at least 1 needed"]),
        ({"kernel": {"sigmas": [0]}}, ["kernel.sigmas.0", "greater than 0"]),
        ({"kernel": {"sigmas": [10.5]}}, ["kernel.sigmas.0", "integer"]),
        ({"kernel": {"folds": 1}}, ["kernel.folds", "greater than or equal to 2"]),
        ({"kernel": {"sigma": [10]}}, ["unknown key 'kernel.sigma'", "did you mean 'sigmas'"]),
        ({"score_match": {**SCHEDULE, "probes": 0}}, ["score_match.probes", "greater than 0"]),
        ({"score_match": {**SCHEDULE, "probe": 2}}, ["unknown key 'score_match.probe'", "did you mean 'probes'"]),
        ({"residual": {**SCHEDULE, "steps": 0}}, ["residual.steps", "greater than 0"]),
        ({"model": {"architecture": "linear"}}, ["model.architecture", "valid: mlp, schnet, ", "'linear'"]),
        ({"strategies": ["sgdml"]}, ["strategies.0", "'gdml_delta'", "'sgdml'"]),
    ],
)
def test_a_broken_section_is_one_line(changes: dict[str, Any], words: list[str]) -> None:
    message = refusal(sweep_data(**changes))
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("sigmas", [[20, 10], [10, 10]])
def test_length_scales_rise(sigmas: list[int]) -> None:
    message = refusal(sweep_data("gdml", kernel={"sigmas": sigmas}))
    assert "kernel" in message
    assert "rising" in message
    assert str(sigmas[0]) in message


def test_score_matching_needs_the_descriptor_model() -> None:
    message = refusal(sweep_data(model={"architecture": "schnet"}))
    assert "score matching needs architecture mlp, found architecture schnet" in message
    assert "remove strategy asteroid_unlabelled" in message
    others = [s for s in TWO_LEVELS if s != "asteroid_unlabelled"]
    parse(sweep_data(*others, model={"architecture": "schnet"}))
    search = {"budgets": [20], "trials": 2, "subset_seeds": [5, 6], "space": {"architecture": ["mlp", "schnet"]}}
    assert "found architecture schnet" in refusal(sweep_data(tune=search)), "nor may a search try another"
    parse(sweep_data(*others, tune=search))


def test_score_matching_needs_the_temperature_of_the_frames(tiny_labels: Path) -> None:
    without = [change for change in NINE if "temperature_k" not in change[1]]
    with pytest.raises(InputError) as caught:
        load_data(sweep_of(tiny_labels, *without))
    message = str(caught.value)
    assert "\n" not in message
    assert "needs the temperature of their sampling, found none: add temperature_k under data.cheap" in message
    load_data(sweep_of(tiny_labels, *without, (" asteroid_unlabelled,", "")))
    assert load_data(sweep_of(tiny_labels, *NINE)).cheap[0].temperature_k == 500.0


@pytest.mark.parametrize("kelvin", ["0", "-300", ".inf", "warm"])
def test_a_temperature_is_positive(tiny_labels: Path, kelvin: str) -> None:
    with pytest.raises(InputError, match=r"sweep\.yaml: data\.cheap\.temperature_k") as caught:
        sweep_of(tiny_labels, *NINE, ("temperature_k: 500", f"temperature_k: {kelvin}"))
    assert "\n" not in str(caught.value)


def test_a_level_that_cannot_run_needs_labels_at_every_accurate_geometry(tiny_labels: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_data(sweep_of(tiny_labels, *NINE, ("level: gfn2-xtb", "level: uff")))
    message = str(caught.value)
    assert "\n" not in message
    assert "network_delta and gdml_delta need a uff label at every accurate geometry" in message
    assert "of 80 have none: uff cannot be run by this package: only gfn1-xtb" in message
    with pytest.raises(InputError, match=r"gfn2-xtb takes 9\.5 s a label, more than is computed on the way"):
        load_data(sweep_of(tiny_labels, *NINE, ("price: 2 ms", "price: 9.5s")))
    others = (
        *NINE,
        ("level: gfn2-xtb", "level: uff"),
        (", network_delta, gdml_residual, gdml_delta]", ", gdml_residual]"),
    )
    assert load_data(sweep_of(tiny_labels, *others)).cheap[0].at == {}


@pytest.mark.parametrize("own", ARCHITECTURES)
def test_sizes_that_are_left_out_are_the_architectures_own(own: type[NetworkSettings]) -> None:
    architecture = own.architecture
    others = [s for s in TWO_LEVELS if s != "asteroid_unlabelled"]
    assert parse(sweep_data(*others, model={"architecture": architecture})).model.settings() == own()
    small = parse(sweep_data(*others, model={"architecture": architecture, "hidden": 5})).model.settings()
    assert small == own(hidden=5)
    again = parse(yaml.safe_load(sweep_yaml(parse(sweep_data(*others, model={"architecture": architecture})))))
    assert again.model.settings() == own()


def test_architectures_differ_and_the_default_is_the_descriptor_model() -> None:
    assert parse(sweep_data()).model.settings() == MLPSettings()
    assert SchNetSettings().hidden != MLPSettings().hidden


def test_a_search_over_architectures(tiny_labels: Path, tmp_path: Path) -> None:
    space = "{architecture: [mlp, schnet], hidden: [6, 8]}"
    tune = f"tune: {{budgets: [10], trials: 3, folds: 2, subset_seeds: [7, 8], space: {space}}}\n"
    changes = (
        *NINE,
        ("asteroid_unlabelled, ", ""),
        (
            "[accurate_only, cheap_only, pretrain_finetune, asteroid, residual, gdml, network_delta, gdml_residual, "
            "gdml_delta]",
            "[residual]",
        ),
        ("pretrain: {steps: 24,", "pretrain: {steps: 6,"),
        ("identify: {", tune + "identify: {"),
    )
    notes: list[str] = []
    workload = make_workload(sweep_of(tiny_labels, *changes))
    table = run_workload(workload, tmp_path / "run", SerialExecutor, lambda _: None, notes.append)
    trials = read_trials(tmp_path / "run")
    assert trials is not None
    assert (trials["state"] == "COMPLETE").all()
    tried = {json.loads(text)["architecture"] for text in trials["settings"]}
    assert tried == {"mlp", "schnet"}
    chosen = json.loads(trials.loc[trials["chosen"], "settings"].item())["architecture"]
    (note,) = notes
    assert f"architecture {chosen}, hidden" in note or f", architecture {chosen}" in note
    assert sorted(table["schedule"]) == ["", "tuned"]
    assert (table["status"] == "ok").all()


def test_a_choice_is_told_in_words_and_numbers() -> None:
    settings = default_settings(parse(sweep_data()), "standard")
    values = {"architecture": "schnet", "gamma_rel": math.inf, "pretrain_learning_rate": 0.00123456}
    said = TunedSettings("asteroid", 20, LowerLevels(n_cheap=500), settings, 9, values).sentence()
    assert said == (
        "tuned asteroid with 20 labels: architecture schnet, gamma_rel inf, pretrain_learning_rate 0.00123456 "
        "(of 9 trials)"
    )


def test_a_schedule_without_a_rate_is_the_architectures_usual_one() -> None:
    plain = sweep_data("accurate_only", "pretrain_finetune", model={"architecture": "nequip"})
    usual = NequIPSettings.usual
    left = plain | {
        "identify": {},
        "pretrain": {"validations": 3},
        "finetune": {"a": {}, "b": {"learning_rate": 0.1, "steps": 50}},
    }
    found = parse(left)
    identify, finetune = found.identify.schedule(), found.finetune["a"].schedule()
    assert (identify.steps, identify.learning_rate, identify.ema) == (usual.steps, usual.learning_rate, usual.ema)
    assert found.pretrain is not None
    assert (found.pretrain.steps, found.pretrain.validations) == (2 * usual.steps, 3)
    assert (finetune.steps, finetune.learning_rate) == (usual.steps // 2, usual.learning_rate / 10)
    assert found.finetune["b"].schedule() == Schedule(50, 0.1), "what names its rate is as it was"
    assert parse(yaml.safe_load(sweep_yaml(found))) == found
    own = plain | {"model": {"architecture": "linear"}, "identify": {}}
    assert "model.architecture: no architecture is called 'linear'" in refusal(own)
