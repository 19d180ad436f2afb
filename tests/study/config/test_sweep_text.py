"""Sweep files as text: what is no sweep, and what is written reads back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_sweep import parse, refusal, sweep_data

from asteroid.errors import InputError
from study.config.sweep_text import parse_sweep, read_sweep, sweep_plain, sweep_yaml


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


def test_plain_data_are_json_and_spell_infinity() -> None:
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
