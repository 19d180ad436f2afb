from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sweeps.presets
from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes, geometry_hashes
from asteroid.labels.splits import ACCURATE_VAL_EVERY
from study.config.sweep_text import parse_sweep, read_sweep
from study.data.load import StudyData, load_data
from study.recipes.chains import ChainBuilder, derived_seed
from study.recipes.recipes import Recipe, make_recipes

if TYPE_CHECKING:
    from asteroid.stages.stage import StageSpec
    from study.config.sweep import Sweep

PRESET = Path(sweeps.presets.__file__).with_name("quickstart.yaml")


@cache
def quickstart() -> tuple[Sweep, StudyData, list[Recipe]]:
    sweep = read_sweep(PRESET)
    data = load_data(sweep)
    return sweep, data, rows_of(sweep, data)


def rows_of(sweep: Sweep, data: StudyData) -> list[Recipe]:
    return make_recipes(sweep, ChainBuilder(data))


def stages() -> dict[str, StageSpec]:
    return {spec.key: spec for recipe in quickstart()[2] for spec in recipe.stages}


def changed(**changes: object) -> Sweep:
    plain = {key: value for key, value in {**yaml.safe_load(PRESET.read_text()), **changes}.items() if value is not ...}
    return parse_sweep(yaml.safe_dump(plain, sort_keys=False), "changed.yaml", Path())


def bought(recipe: Recipe) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return recipe.stages[-1].train.hashes, recipe.stages[-1].val.hashes


def test_rows_and_distinct_stages_of_the_quickstart() -> None:
    rows = Counter(recipe.strategy for recipe in quickstart()[2])
    assert rows == {
        "accurate_only": 18,
        "cheap_only": 6,
        "pretrain_finetune": 36,
        "asteroid": 72,
        "residual": 36,
        "gdml_delta": 18,
    }
    kinds = Counter((spec.kind, spec.gamma_rel if spec.is_weighted else None) for spec in stages().values())
    assert len(stages()) == 258
    assert kinds == {
        ("identify", None): 18,
        ("pretrain", None): 6,  # one for each n_cheap and seed, whatever the budget
        ("pretrain", 0.3): 36,
        ("pretrain", 1.0): 36,
        ("finetune", None): 108,
        ("residual", None): 36,
        ("kernel", None): 18,
    }


def test_no_two_rows_share_a_name() -> None:
    names = [(r.strategy, str(r.gamma_rel), r.schedule, r.budget, r.lower.n_cheap, r.seed) for r in quickstart()[2]]
    assert len(set(names)) == len(names)


def test_the_order_of_a_chain_is_the_order_of_its_parents() -> None:
    for recipe in quickstart()[2]:
        assert recipe.stages[0].parents == ()
        for parent, child in pairwise(recipe.stages):
            assert child.parents == (parent.key,)
        kinds = [spec.kind for spec in recipe.stages]
        expected = {
            "accurate_only": ["identify"],
            "cheap_only": ["pretrain"],
            "pretrain_finetune": ["pretrain", "finetune"],
            "asteroid": ["identify", "pretrain", "finetune"],
            "residual": ["pretrain", "residual"],
            "gdml_delta": ["kernel"],
        }
        assert kinds == expected[recipe.strategy]


def test_budgets_count_validation_labels_and_nest_within_a_seed() -> None:
    sweep, _, recipes = quickstart()
    for seed in sweep.seeds:
        rows = [r for r in recipes if r.seed == seed and r.strategy == "accurate_only"]
        for recipe in rows:
            train, val = bought(recipe)
            assert len(train) + len(val) == recipe.budget
            assert len(val) == recipe.budget // ACCURATE_VAL_EVERY
            assert len({*train, *val}) == recipe.budget
        for small, large in pairwise(sorted(rows, key=lambda r: r.budget)):
            for part in (0, 1):
                assert bought(large)[part][: len(bought(small)[part])] == bought(small)[part]
    first = {r.seed: bought(r) for r in recipes if r.strategy == "accurate_only" and r.budget == 100}
    assert len(set(first.values())) == 3, "seeds buy different labels"


def test_every_strategy_at_one_budget_and_seed_has_the_same_accurate_labels() -> None:
    recipes = quickstart()[2]
    for budget, seed in {(r.budget, r.seed) for r in recipes if r.budget}:
        rows = [r for r in recipes if (r.budget, r.seed) == (budget, seed)]
        assert len({bought(r) for r in rows}) == 1
        identify = {r.stages[0].key for r in rows if r.strategy in ("accurate_only", "asteroid")}
        assert len(identify) == 1, "the accurate-only row is the stage that asteroid trains"


def test_one_unweighted_pretraining_serves_all_budgets() -> None:
    recipes = quickstart()[2]
    for n_cheap in (500, 4000):
        for seed in (0, 1, 2):
            rows = [r for r in recipes if (r.lower.n_cheap, r.seed) == (n_cheap, seed)]
            plain = {r.stages[0].key for r in rows if r.strategy in ("cheap_only", "pretrain_finetune")}
            assert len(plain) == 1
            spec = stages()[plain.pop()]
            assert spec.gamma_rel is None
            assert len(spec.train) + len(spec.val) == n_cheap
            pretrains = [r.stages[1] for r in rows if r.strategy == "asteroid"]
            assert all((s.train, s.val, s.seeds) == (spec.train, spec.val, spec.seeds) for s in pretrains)


def test_no_test_frame_is_in_any_stage() -> None:
    _, data, _ = quickstart()
    geometry = {}
    for labels in (data.pool, data.cheap[0].pool):
        geometry |= dict(zip(content_hashes(labels), geometry_hashes(labels), strict=True))
    used = {h for spec in stages().values() for frames in (spec.train, spec.val) for h in frames.hashes}
    assert used.isdisjoint(content_hashes(data.test))
    assert {geometry[h] for h in used}.isdisjoint(geometry_hashes(data.test))
    # Beyond the test set: no accurate geometry was pretrained on, so that a label bought is a geometry gained.
    pretrained = used.intersection(content_hashes(data.cheap[0].pool))
    assert {geometry[h] for h in pretrained}.isdisjoint(geometry_hashes(data.accurate))


def test_gamma_is_all_that_differs_between_the_weighted_arms() -> None:
    for spec in stages().values():
        if spec.kind == "pretrain" and spec.gamma_rel == 0.3:
            assert replace(spec, gamma_rel=1.0).key in stages()


def test_kinds_and_seeds_have_their_own_random_numbers() -> None:
    # A kernel draws nothing: its seeds of weights and batches are 0.
    seeds = {(spec.kind, spec.seeds) for spec in stages().values() if spec.kind != "kernel"}
    assert len(seeds) == 12  # four kinds, three seeds
    drawn = [s.weights for _, s in seeds] + [s.batches for _, s in seeds]
    assert len(set(drawn)) == 24
    assert all(0 <= s < 2**63 for s in drawn)


@given(st.text(max_size=8), st.text(max_size=8), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_derived_seeds_differ_with_purpose_and_seed(a: str, b: str, m: int, n: int) -> None:
    same = (a, m) == (b, n)
    assert (derived_seed(f"x{a}", m) == derived_seed(f"x{b}", n)) == same
    assert 0 <= derived_seed(a, m) < 2**63


def test_seeds_are_the_same_on_every_machine() -> None:
    assert derived_seed("weights identify", 0) == 6535945124283756919


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(5, 1025), min_size=1, max_size=5, unique=True), st.integers(0, 10**6))
@example([5], 100)
def test_any_budgets_nest(budgets: list[int], seed: int) -> None:
    # Without the search, whose seeds may be none of these.
    sweep = changed(budgets=budgets, seeds=[seed], strategies=["accurate_only"], tune=...)
    recipes = rows_of(sweep, quickstart()[1])
    assert [r.budget for r in recipes] == budgets
    for small, large in pairwise(sorted(recipes, key=lambda r: r.budget)):
        for part in (0, 1):
            assert bought(large)[part][: len(bought(small)[part])] == bought(small)[part]
        assert set(bought(large)[0]).isdisjoint(bought(small)[1])


def test_fewer_strategies_need_fewer_stages_and_the_same_keys() -> None:
    data = quickstart()[1]
    few = rows_of(changed(strategies=["pretrain_finetune", "accurate_only"]), data)
    keys = {spec.key for recipe in few for spec in recipe.stages}
    assert len(keys) == 18 + 6 + 36
    assert keys < stages().keys()
    alone = rows_of(changed(strategies=["accurate_only"], n_cheap=[500], pretrain=..., finetune=...), data)
    assert {spec.key for recipe in alone for spec in recipe.stages} < keys
    assert len(alone) == 18
    assert all(math.isnan(r.gamma_rel) and r.lower.n_cheap == 0 for r in alone)


def test_several_fine_tune_schedules_share_their_parents() -> None:
    sweep = changed(finetune={"short": {"steps": 20, "learning_rate": 1}, "long": {"steps": 90, "learning_rate": 1}})
    recipes = rows_of(sweep, quickstart()[1])
    rows = [r for r in recipes if (r.strategy, r.budget, r.seed, r.lower.n_cheap) == ("pretrain_finetune", 20, 0, 500)]
    assert [r.schedule for r in rows] == ["short", "long"]
    assert rows[0].stages[0].key == rows[1].stages[0].key
    assert rows[0].stages[1].key != rows[1].stages[1].key


def test_a_pool_that_does_not_suffice() -> None:
    data = quickstart()[1]
    small = replace(data, pool=data.pool.select(np.arange(499)))
    with pytest.raises(InputError, match=r"budget 500 .* largest possible is 499"):
        rows_of(quickstart()[0], small)
    small = replace(data, cheap=(replace(data.cheap[0], pool=data.cheap[0].pool.select(np.arange(3999))),))
    with pytest.raises(InputError, match=r"n_cheap 4000 .* largest possible is 3999"):
        rows_of(quickstart()[0], small)
