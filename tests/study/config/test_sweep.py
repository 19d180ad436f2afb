from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from every_section import TWO_LEVELS
from plain_sweep import SCHEDULE, parse, refusal, sweep_data

import sweeps.presets
from study.config.sweep_text import read_sweep


def test_the_strategies_preset_has_all_of_them() -> None:
    sweep = read_sweep(Path(sweeps.presets.__file__).with_name("strategies.yaml"))
    assert set(sweep.strategies) == set(TWO_LEVELS)


def test_the_quickstart_preset_is_what_its_readme_says() -> None:
    sweep = read_sweep(Path(sweeps.presets.__file__).with_name("quickstart.yaml"))
    assert sweep.strategies == (
        "accurate_only",
        "cheap_only",
        "pretrain_finetune",
        "asteroid",
        "residual",
        "gdml_delta",
    )
    assert sweep.budgets == (20, 50, 100, 200, 350, 500)
    assert sweep.n_cheap == (500, 4000)
    assert sweep.gamma_rel == (0.3, 1.0, math.inf)
    assert sweep.seeds == (0, 1, 2)


def test_defaults_are_those_of_the_trainer_the_model_and_the_descriptors() -> None:
    from asteroid.models.mlp import MLPSettings
    from asteroid.training.schedule import Schedule

    sweep = parse(sweep_data())
    assert sweep.identify.schedule() == Schedule(**SCHEDULE)
    assert sweep.model.settings() == MLPSettings()


@pytest.mark.parametrize(
    ("changes", "where", "nearest"),
    [
        ({"budget": [20]}, "budget", "budgets"),
        ({"budgets": ..., "bugdets": [20]}, "bugdets", "budgets"),
        ({"gama_rel": [1]}, "gama_rel", "gamma_rel"),
        ({"identify": {"steps": 9, "learning_rte": 0.1}}, "identify.learning_rte", "learning_rate"),
        ({"identify": {**SCHEDULE, "batchsize": 5}}, "identify.batchsize", "batch_size"),
        ({"pretrain": {**SCHEDULE, "warmup": 5}}, "pretrain.warmup", "warmup_steps"),
        ({"finetune": {"standard": {**SCHEDULE, "force_los": "l2"}}}, "finetune.standard.force_los", "force_loss"),
        ({"finetune": {"standard": {"step": 9, "learning_rate": 1}}}, "finetune.standard.step", "steps"),
        ({"finetune": {"steps": {**SCHEDULE, "emma": 0.9}}}, "finetune.steps.emma", "ema"),
        ({"test": {"group": [3]}}, "test.group", "groups"),
        ({"model": {"hiden": 8}}, "model.hiden", "hidden"),
        ({"descriptors": {"cutoff": 4.0}}, "descriptors.cutoff", "cutoff_ang"),
        ({"data": {"datasets": "methanol"}}, "data.datasets", "dataset"),
        (
            {"data": {"accurate": {"file": "a.npz", "energy_units": "eV"}, "cheap": {"file": "b.npz"}}},
            "data.accurate.energy_units",
            "energy_unit",
        ),
    ],
)
def test_an_unknown_key_comes_with_the_nearest_valid_name(changes: dict[str, Any], where: str, nearest: str) -> None:
    assert f"unknown key '{where}': did you mean '{nearest}'?" in refusal(sweep_data(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gamma_rel": [0, math.inf]}, ["gamma_rel", "positive", "found 0"]),
        ({"gamma_rel": [-0.5, math.inf]}, ["gamma_rel", "positive", "found -0.5"]),
        ({"gamma_rel": [math.nan, math.inf]}, ["gamma_rel", "positive", "found nan"]),
        ({"gamma_rel": [-math.inf, math.inf]}, ["gamma_rel", "positive", "found -inf"]),
        ({"gamma_rel": ["high"]}, ["gamma_rel.0", "'high'"]),
        ({"budgets": [0, 20]}, ["budgets", "positive", "found 0"]),
        ({"budgets": [-20]}, ["budgets", "positive", "found -20"]),
        ({"budgets": [20.5]}, ["budgets.0", "integer", "20.5"]),
        ({"budgets": []}, ["budgets", "at least 1 needed", "[]"]),
        ({"budgets": 20}, ["budgets", "list", "found 20"]),
        ({"n_cheap": [0]}, ["n_cheap", "positive", "found 0"]),
        ({"budgets": [20, 50, 20]}, ["budgets", "must differ", "[20, 50, 20]"]),
        ({"n_cheap": [500, 500]}, ["n_cheap", "must differ", "[500, 500]"]),
        ({"gamma_rel": [1, 1.0, math.inf]}, ["gamma_rel", "must differ", "[1.0, 1.0, inf]"]),
        ({"seeds": [3, 3]}, ["seeds", "must differ", "[3, 3]"]),
        ({"strategies": ["asteroid", "asteroid"]}, ["strategies", "must differ"]),
        ({"seeds": []}, ["seeds", "at least 1 needed"]),
        ({"seeds": [-1]}, ["seeds.0", "greater than or equal to 0", "-1"]),
        ({"seeds": [2**63]}, ["seeds.0", str(2**63)]),  # the table holds 64-bit integers
        ({"strategies": ["residuals"]}, ["strategies.0", "'accurate_only'", "found 'residuals'"]),
        ({"mode": "curves"}, ["mode", "'curve'", "found 'curves'"]),
        ({"name": ""}, ["name", "at least 1 character"]),
        ({"name": "../../elsewhere"}, ["name", "without /", "'../../elsewhere'"]),
        ({"name": ".."}, ["name", "folder's name"]),
        ({"descriptors": {"n_radial": 10**6}}, ["descriptors.n_radial", "less than or equal to 100"]),
        ({"gamma_rel": [1.0]}, ["pretrain_finetune", "add inf to gamma_rel"]),
        ({"gamma_rel": [math.inf]}, ["asteroid", "finite gamma_rel", "add"]),
        ({"strategies": ["asteroid"]}, ["asteroid", "against no weights", "add strategy pretrain_finetune"]),
        ({"strategies": ["pretrain_finetune"], "gamma_rel": [1.0]}, ["pretrain_finetune", "add inf to gamma_rel"]),
        ({"n_cheap": ...}, ["cheap_only needs 'n_cheap'", "add"]),
        ({"pretrain": ...}, ["cheap_only needs a 'pretrain' schedule", "add steps and learning_rate"]),
        ({"finetune": ...}, ["pretrain_finetune needs a schedule under 'finetune'", "add one with a name"]),
        ({"identify": ...}, ["identify", "required", "add it"]),
        ({"identify": {**SCHEDULE, "steps": 0}}, ["identify.steps", "greater than 0", "found 0"]),
        ({"identify": {**SCHEDULE, "learning_rate": math.inf}}, ["identify.learning_rate", "finite", "inf"]),
        ({"identify": {**SCHEDULE, "force_loss": "huber"}}, ["identify.force_loss", "'mae' or 'l2'", "'huber'"]),
        ({"identify": {**SCHEDULE, "rho": 1.5}}, ["identify.rho", "less than or equal to 1", "1.5"]),
        (
            {"pretrain": {**SCHEDULE, "validations": 101}},
            ["pretrain", "validations must not exceed steps", "101 > 100"],
        ),
        ({"test": {}}, ["test", "'groups'", "'share'"]),
        ({"test": {"groups": [3], "share": 0.2}}, ["test", "either 'groups'", "or 'share'"]),
        ({"test": {"share": 1.0}}, ["test.share", "less than 1"]),
        ({"data": {}}, ["data", "'dataset'", "'accurate' and 'cheap'"]),
        ({"data": {"accurate": {"file": "a.npz"}}}, ["data", "both 'accurate' and 'cheap'"]),
        ({"data": {"dataset": "methanol", "cheap": {"file": "a.npz"}}}, ["data", "not both", "remove one"]),
        ({"data": {"dataset": "ethanol"}}, ["data.dataset", "'methanol'", "found 'ethanol'"]),
        ({"data": {"dataset": "methanol", "prices": {"gfn2-xtb": "28 parsecs"}}}, ["gfn2-xtb", "unit", "28 parsecs"]),
        ({"data": {"dataset": "methanol", "prices": {"gfn2-xtb": "28"}}}, ["gfn2-xtb", "unit", "'28'", "'28s'"]),
        ({"data": {"dataset": "methanol", "prices": {"gfn2-xtb": -1}}}, ["prices.gfn2-xtb", "-1"]),
        ({"data": {"dataset": "methanol", "prices": {"gfn2-xtb": [1]}}}, ["prices.gfn2-xtb", "number", "[1]"]),
        ({"data": {"dataset": "methanol", "prices": {"gfn2-xtb": math.inf}}}, ["prices.gfn2-xtb", "finite", "inf"]),
        ({"data": {"dataset": "methanol", "prices": {"a level": 1}}}, ["data.prices", "'a level'", "ccsd_t/cc-pvdz"]),
        ({"pack_size": 0}, ["pack_size", "greater than 0", "found 0"]),
    ],
)
def test_a_broken_rule_is_one_line_with_key_value_and_remedy(changes: dict[str, Any], words: list[str]) -> None:
    message = refusal(sweep_data(**changes))
    assert [word for word in words if word not in message] == [], message


def test_a_sweep_of_accurate_labels_only_needs_nothing_else() -> None:
    sweep = parse(sweep_data(strategies=["accurate_only"], n_cheap=..., gamma_rel=..., pretrain=..., finetune=...))
    assert sweep.pretrain is None
    assert sweep.n_cheap == ()
