from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from every_section import TWO_LEVELS
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_sweep import SCHEDULE, parse, sweep_data

import sweeps.presets
from asteroid.errors import InputError
from study.config.sweep import parse_sweep, read_sweep, sweep_plain, sweep_yaml


def refusal(data: Any) -> str:
    with pytest.raises(InputError) as caught:
        parse(data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("sweep.yaml")
    return message


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["keys and values", "NoneType", "preset"]),
        ("- 1\n- 2\n", ["keys and values", "list", "preset"]),
        ("only words", ["keys and values", "str", "preset"]),
        ("name: [1\nseeds: 3\n", ["not YAML", "line"]),
        ("name: one\n  budgets: [1]\n", ["not YAML", "line 2"]),
        ("name: \x00", ["not YAML", "special characters"]),
        ("name: 2024-13-45\n", ["not YAML", "month"]),
        ("name: !!python/object:os.system x\n", ["not YAML", "tag"]),
        ("? [1, 2]\n: 3\n", ["not YAML", "unhashable"]),
    ],
)
def test_what_is_no_sweep_at_all(text: str, words: list[str]) -> None:
    message = refusal(text)
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("content", [None, b"\xff\xfename"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "sweep.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="sweep file must be readable text") as caught:
        read_sweep(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("written", [".inf", "inf", '"inf"', "'Infinity'", ".Inf"])
def test_infinity_as_people_write_it(written: str) -> None:
    text = yaml.safe_dump(sweep_data(gamma_rel=...)) + f"gamma_rel: [0.3, {written}]\n"
    assert parse(text).gamma_rel == (0.3, math.inf)


def test_a_sweep_of_accurate_labels_only_needs_nothing_else() -> None:
    sweep = parse(sweep_data(strategies=["accurate_only"], n_cheap=..., gamma_rel=..., pretrain=..., finetune=...))
    assert sweep.pretrain is None
    assert sweep.n_cheap == ()


def test_plain_data_are_json_and_spell_infinity() -> None:
    import json

    plain = sweep_plain(parse(sweep_data()))
    assert plain["gamma_rel"] == [1.0, "inf"]
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


positive = st.floats(min_value=1e-12, max_value=1e12)
counts = st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True)
names = st.text(st.characters(exclude_categories=("C",), exclude_characters="/\\"), min_size=1, max_size=12).filter(
    lambda name: name.strip(". ")
)
prices = st.floats(min_value=0, max_value=1e9)
schedules = st.fixed_dictionaries(
    {"steps": st.integers(20, 10**6), "learning_rate": st.floats(min_value=1e-12, max_value=100)},
    optional={
        "warmup_steps": st.integers(0, 1000),
        "final_rate": st.floats(1e-6, 1),
        "batch_size": st.integers(1, 64),
        "rho": st.floats(1e-3, 1),
        "force_loss": st.sampled_from(["mae", "l2"]),
        "ema": st.floats(0, 0.999),
        "clip_norm": positive,
        "validations": st.integers(1, 20),
    },
)
label_files = st.fixed_dictionaries(
    {"file": st.sampled_from(["a.npz", "deeper/b.xyz", "/elsewhere/c: d.npz"])},
    optional={
        "level": st.sampled_from(["ccsd_t/cc-pvdz", "pbe"]),
        "energy_unit": st.just("kcal/mol"),
        "group_key": names,
        "duplicates": st.sampled_from(["error", "drop"]),
        "price": prices,
        "sampling_price": prices,
    },
)
sweep_dicts = st.fixed_dictionaries(
    {
        "name": names,
        "data": st.one_of(
            st.fixed_dictionaries({"dataset": st.just("methanol")}, optional={"prices": st.just({"gfn2-xtb": "1 ms"})}),
            st.fixed_dictionaries({"accurate": label_files, "cheap": label_files}),
        ),
        "test": st.one_of(
            st.fixed_dictionaries({"groups": st.lists(st.integers(-5, 99), min_size=1, max_size=3)}),
            st.fixed_dictionaries({"share": st.floats(0.01, 0.99)}),
        ),
        "strategies": st.permutations(["accurate_only", "cheap_only", "pretrain_finetune", "asteroid"]),
        "budgets": counts,
        "n_cheap": counts,
        "gamma_rel": st.lists(positive, min_size=1, max_size=3, unique=True).map(lambda values: [*values, math.inf]),
        "seeds": st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3, unique=True),
        "identify": schedules,
        "pretrain": schedules,
        "finetune": st.dictionaries(names, schedules, min_size=1, max_size=2),
    },
    optional={
        "model": st.fixed_dictionaries({}, optional={"hidden": st.integers(1, 64), "layers": st.integers(1, 4)}),
        "descriptors": st.fixed_dictionaries(
            {}, optional={"cutoff_ang": st.floats(1.5, 9), "l_max": st.integers(0, 4)}
        ),
        "pack_size": st.integers(1, 64),
    },
)


@settings(max_examples=40, deadline=None)
@given(sweep_dicts)
def test_a_sweep_written_in_full_reads_back_as_itself(data: dict[str, Any]) -> None:
    sweep = parse(data)
    again = parse_sweep(sweep_yaml(sweep), "sweep.yaml", Path("/somewhere/else"))
    assert again == sweep
    assert sweep_yaml(again) == sweep_yaml(sweep)


def test_a_key_that_stands_twice_is_refused() -> None:
    message = refusal("name: a\nbudgets: [20]\nseeds: [0]\nbudgets: [30]\n")
    assert message == "sweep.yaml is not YAML: key 'budgets' stands twice, in line 2 and in line 4: remove one"
