"""The nine strategies as chains: kinds, parents, what is bought and what it costs, and which stages they share."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from every_section import TWO_LEVELS

from asteroid.datasets import load_methanol
from asteroid.labels.label_set import content_hashes, geometry_hashes
from asteroid.models.schnet import SchNetSettings
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.stage import ScoreSettings, Seeds
from study.config.sweep_text import parse_sweep
from study.data.load import StudyData, load_data
from study.recipes.chains import ChainBuilder
from study.recipes.packs import plan_rounds
from study.recipes.recipes import Recipe, make_recipes
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.stages.stage import StageSpec
    from study.config.sweep import Sweep

SWEEP = """
name: nine
data: {dataset: methanol, prices: {ccsd_t/cc-pvdz: 28 s, gfn2-xtb: 2 ms}}
test: {groups: [3]}
strategies: [accurate_only, cheap_only, pretrain_finetune, asteroid, asteroid_unlabelled, residual, gdml, gdml_residual,
  gdml_delta, network_delta]
budgets: [10, 20]
n_cheap: [40, 60]
gamma_rel: [1, inf]
seeds: [0, 1]
identify: {steps: 20, learning_rate: 0.01}
pretrain: {steps: 21, learning_rate: 0.01}
score_match: {steps: 22, learning_rate: 0.01, probes: 3}
residual: {steps: 23, learning_rate: 0.01}
kernel: {sigmas: [10, 20]}
finetune:
  one: {steps: 24, learning_rate: 0.01}
  two: {steps: 25, learning_rate: 0.01}
"""
KINDS = {
    "accurate_only": ["identify"],
    "cheap_only": ["pretrain"],
    "pretrain_finetune": ["pretrain", "finetune"],
    "asteroid": ["identify", "pretrain", "finetune"],
    "asteroid_unlabelled": ["score_match", "finetune"],
    "residual": ["pretrain", "residual"],
    "gdml": ["kernel"],
    "gdml_residual": ["pretrain", "kernel"],
    "gdml_delta": ["kernel"],
    "network_delta": ["residual"],
}


_PRETRAIN, _IDENTIFY = "9696199266528aef2f682c357450f58f", "f8e7ce2be2a1e212a4cc7ae8f3cea726"
#: Keys of one row of each strategy; those of all rows are in a digest.
GOLDEN = {
    "accurate_only": [_IDENTIFY],
    "cheap_only": [_PRETRAIN],
    "pretrain_finetune": [_PRETRAIN, "a0df53549b645314faf0278e67ee5563"],
    "asteroid": [_IDENTIFY, "472be4c8e143a5a6f65a60ee72e3b8cf", "34ab861df2ab91303f413d465566d8ba"],
    "asteroid_unlabelled": ["278a3ae5d6e3cee451bd809057eca0f5", "8bdb50bd205d93860cbcae17cb0ffa7b"],
    "residual": [_PRETRAIN, "9dba763aa55e89e409948d47741f138b"],
    "gdml": ["e01ae213008c47578d0e85ef424a9978"],
    "gdml_residual": [_PRETRAIN, "bff60b1b243d3fea6f57070ec45d296a"],
    "gdml_delta": ["7bd833cae722ed0988be12d64b000ca8"],
}


def sweep_of(*changes: tuple[str, str]) -> Sweep:
    text = SWEEP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_sweep(text, "sweep.yaml", Path())


@cache
def data() -> StudyData:
    return load_data(sweep_of())


def rows_of(sweep: Sweep) -> list[Recipe]:
    return make_recipes(sweep, ChainBuilder(data()))


@cache
def rows() -> list[Recipe]:
    return rows_of(sweep_of())


def row(strategy: str, budget: int = 10, n_cheap: int = 40, seed: int = 0, schedule: str = "one") -> Recipe:
    traits = STRATEGIES[strategy]
    wanted = (
        strategy,
        budget if traits.buys_accurate else 0,
        n_cheap if traits.has_cheap_axis else 0,
        seed,
        schedule if traits.finetunes else "",
    )
    (found,) = (r for r in rows() if (r.strategy, r.budget, r.lower.n_cheap, r.seed, r.schedule) == wanted)
    return found


def hashes(spec: StageSpec) -> tuple[str, ...]:
    return spec.train.hashes + spec.val.hashes


def test_every_strategy_has_its_rows() -> None:
    per_seed = {
        "accurate_only": 2,  # budgets
        "cheap_only": 2,  # n_cheap
        "pretrain_finetune": 8,  # budgets, n_cheap, schedules
        "asteroid": 8,
        "asteroid_unlabelled": 8,
        "residual": 4,
        "gdml": 2,
        "gdml_residual": 4,
        "gdml_delta": 2,
        "network_delta": 2,
    }
    assert Counter(r.strategy for r in rows()) == {name: 2 * n for name, n in per_seed.items()}
    assert set(per_seed) == set(TWO_LEVELS)


@pytest.mark.parametrize("strategy", TWO_LEVELS)
def test_kinds_and_parents_of_a_chain(strategy: str) -> None:
    recipe = row(strategy)
    assert [spec.kind for spec in recipe.stages] == KINDS[strategy]
    assert recipe.stages[0].parents == ()
    for parent, child in pairwise(recipe.stages):
        assert child.parents == (parent.key,)
    last = recipe.stages[-1]
    assert last.added_to == (last.parents[0] if strategy in ("residual", "gdml_residual") else None)
    assert (last.base is not None) == (strategy in ("gdml_delta", "network_delta"))
    steps = {"identify": 20, "pretrain": 21, "score_match": 22, "residual": 23, "kernel": 0, "finetune": 24}
    assert [spec.steps for spec in recipe.stages] == [steps[spec.kind] for spec in recipe.stages]
    assert [spec.score for spec in recipe.stages if spec.kind == "score_match"] == (
        [ScoreSettings(500.0, 3)] if strategy == "asteroid_unlabelled" else []
    )
    assert all(isinstance(spec.model, KernelSettings) == (spec.kind == "kernel") for spec in recipe.stages)
    weighted = [spec.gamma_rel for spec in recipe.stages if spec.is_weighted]
    assert weighted == ([1.0] if strategy == "asteroid" else [])


def test_golden_keys() -> None:
    """The work of earlier versions is found again: if the arithmetic of training changed, bump TRAINER_VERSION."""
    for strategy, keys in GOLDEN.items():
        assert [spec.key for spec in row(strategy, 20, 60, 1, "two").stages] == keys, strategy
    every = sorted(
        (r.strategy, r.budget, r.lower.n_cheap, r.seed, r.schedule, repr(r.gamma_rel), *(spec.key for spec in r.stages))
        for r in rows()
        if r.strategy != "network_delta"  # came later
    )
    assert hashlib.blake2b(repr(every).encode(), digest_size=16).hexdigest() == "b134cd732e960bae221a799d0c99c3f2"


@pytest.mark.parametrize("strategy", [s for s in TWO_LEVELS if STRATEGIES[s].buys_accurate])
def test_validation_labels_are_charged(strategy: str) -> None:
    for budget in (10, 20):
        recipe = row(strategy, budget)
        assert len(set(hashes(recipe.stages[-1]))) == budget == recipe.budget
        assert recipe.stages[-1].train.level == recipe.stages[-1].val.level == "ccsd_t/cc-pvdz"
        assert hashes(recipe.stages[-1]) == hashes(row("accurate_only", budget).stages[0]), "all buy the same labels"


def test_a_kernel_on_a_cheap_method_has_its_labels_at_the_same_geometries() -> None:
    dataset = load_methanol()
    levels = dataset.accurate, dataset.cheap.select(dataset.accurate.frame_id)
    geometry = {h: g for labels in levels for h, g in zip(content_hashes(labels), geometry_hashes(labels), strict=True)}
    last = row("gdml_delta").stages[-1]
    assert last.base is not None
    assert last.base.level == "gfn2-xtb"
    assert [geometry[h] for h in last.base.hashes] == [geometry[h] for h in hashes(last)]


def test_what_each_strategy_costs() -> None:
    """By hand: 28 s a CCSD(T) label, 2 ms an xTB label, and the price of sampling on the data card."""
    prices = data().prices
    sampling = prices.levels["gfn2-xtb"].sampling_cpu_s
    assert sampling > 0
    cheap = {
        "accurate_only": 0.0,
        "cheap_only": 40 * (0.002 + sampling),
        "pretrain_finetune": 40 * (0.002 + sampling),
        "asteroid": 40 * (0.002 + sampling),
        "asteroid_unlabelled": 40 * sampling,  # frames without labels
        "residual": 40 * (0.002 + sampling),
        "gdml": 0.0,
        "gdml_residual": 40 * (0.002 + sampling),
        "network_delta": 10 * 0.002,
        "gdml_delta": 10 * 0.002,  # a label at every accurate geometry, which is there already
    }
    for strategy in TWO_LEVELS:
        recipe = row(strategy)
        accurate_cpu_s, cheap_cpu_s = prices.cpu_s(STRATEGIES[strategy].counts(recipe.budget, recipe.lower))
        assert cheap_cpu_s == pytest.approx(cheap[strategy], rel=1e-12), strategy
        assert accurate_cpu_s == (0.0 if strategy == "cheap_only" else 280.0)


def test_the_unweighted_pretraining_serves_four_strategies() -> None:
    shared = {row(s).stages[0].key for s in ("cheap_only", "pretrain_finetune", "residual", "gdml_residual")}
    shared |= {row(s, budget=20, schedule="two").stages[0].key for s in ("pretrain_finetune", "residual")}
    assert len(shared) == 1
    assert row("asteroid").stages[1].key not in shared
    assert row("residual", n_cheap=60).stages[0].key not in shared
    assert row("asteroid").stages[0].key == row("accurate_only").stages[0].key


def test_score_matching_is_shared_by_budgets_and_reads_the_frames_of_pretraining() -> None:
    keys = {row("asteroid_unlabelled", budget, schedule=s).stages[0].key for budget in (10, 20) for s in ("one", "two")}
    assert len(keys) == 1
    scored, pretrained = row("asteroid_unlabelled").stages[0], row("cheap_only").stages[0]
    assert (scored.train, scored.val) == (pretrained.train, pretrained.val)
    assert scored.seeds != pretrained.seeds


def test_a_kernel_depends_on_labels_and_settings_only() -> None:
    """A setting of the networks or another schedule does not fit it again, unless it is added to a network."""
    stages = {s: row(s).stages[-1] for s in ("gdml", "gdml_delta", "gdml_residual")}
    assert len({spec.key for spec in stages.values()}) == 3
    assert all(spec.seeds == Seeds(0, 0, 0) for spec in stages.values())
    for old, new in (("steps: 24", "steps: 99"), ("steps: 23", "steps: 99"), ("n_cheap: [40, 60]", "n_cheap: [40]")):
        changed = {spec.key for r in rows_of(sweep_of((old, new))) for spec in r.stages}
        assert {spec.key for spec in stages.values()} <= changed
    other = {r.strategy: r.stages[-1] for r in rows_of(sweep_of(("sigmas: [10, 20]", "sigmas: [10]"))) if r.budget}
    assert all(other[s].key != stages[s].key for s in stages)
    keys = {r.stages[-1].key for r in rows() if r.strategy == "gdml"}
    assert len(keys) == 4, "one for each budget and seed"


def test_rows_without_weights_say_infinity_and_rows_without_pretraining_nothing() -> None:
    for recipe in rows():
        gamma_rel = recipe.gamma_rel
        if recipe.strategy == "asteroid":
            assert gamma_rel == 1.0
        elif "pretrain" in KINDS[recipe.strategy]:
            assert gamma_rel == math.inf
        else:
            assert math.isnan(gamma_rel)


def test_every_round_needs_earlier_rounds_only_and_kernels_and_schnets_stay_alone() -> None:
    done: set[str] = set()
    for packs in plan_rounds([r.stages for r in rows()], 16):
        for pack in packs:
            assert set(pack.parents) <= done
            assert len({spec.kind for spec in pack.specs}) == 1
            assert pack.kind != "kernel" or len(pack.specs) == 1
            if pack.kind in ("pretrain", "score_match"):
                assert pack.share_batches
        done |= {spec.key for pack in packs for spec in pack.specs}
    assert done == {spec.key for r in rows() for spec in r.stages}
    graph = sweep_of(
        ("asteroid_unlabelled, ", ""), ("identify:", "model: {architecture: schnet, hidden: 8}\nidentify:")
    )
    specs = [pack.specs for packs in plan_rounds([r.stages for r in rows_of(graph)], 16) for pack in packs]
    assert all(len(pack) == 1 for pack in specs)
    assert {type(pack[0].model) for pack in specs} == {SchNetSettings, KernelSettings}


def test_no_frame_of_the_test_set_is_used_by_any_strategy() -> None:
    test = set(content_hashes(data().test))
    geometry = set(geometry_hashes(data().test))
    dataset = load_methanol()
    of = dict(zip(content_hashes(dataset.cheap), geometry_hashes(dataset.cheap), strict=True))
    for spec in {spec.key: spec for r in rows() for spec in r.stages}.values():
        assert test.isdisjoint(hashes(spec))
        base = spec.base.hashes if spec.base else ()
        assert geometry.isdisjoint(of[h] for h in (*base, *(hashes(spec) if spec.train.level == "gfn2-xtb" else ())))


def test_an_architecture_has_stages_of_its_own() -> None:
    schnet = ("identify:", "model: {architecture: schnet}\nidentify:")
    other = rows_of(sweep_of(("asteroid_unlabelled, ", ""), schnet))
    mine = {spec.key for r in rows() for spec in r.stages if spec.kind != "kernel" or not spec.parents}
    theirs = {spec.key for r in other for spec in r.stages}
    assert {spec.kind for r in rows() for spec in r.stages if spec.key in mine & theirs} == {"kernel"}
