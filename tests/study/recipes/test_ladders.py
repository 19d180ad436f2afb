"""Studies of several levels below the accurate one: what each strategy takes from them, and what is scored by whom."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from three_levels import BY_LEVEL, FILES, LADDER, TWO_CHEAP, sweep_text, write_three_levels
from tiny_sweep import SWEEP

from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes, geometry_hashes
from study.config.sweep_text import parse_sweep
from study.counts import LowerLevels
from study.recipes.workload import Workload, make_workload
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from pathlib import Path

    from study.recipes.recipes import Recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("three_levels")
    write_three_levels(made)
    return made


@cache
def laid_out(folder: Path, text: str) -> Workload:
    return make_workload(parse_sweep(text, "sweep.yaml", folder))


def rows(workload: Workload, strategy: str, budget: int = 10) -> list[Recipe]:
    return [r for r in workload.recipes if (r.strategy, r.budget) == (strategy, budget)]


EVERY = (
    "[accurate_only, pretrain_finetune, gdml_delta, ladder_finetune, ladder_asteroid, ladder_residual, ladder_delta]"
)


def test_a_ladder_tries_every_number_of_labels_of_each_level(folder: Path) -> None:
    workload = laid_out(folder, sweep_text(LADDER, EVERY, BY_LEVEL.replace("[40]", "[40, 60]")))
    climbing = [LowerLevels("gfn2-xtb", n, "mp2/cc-pvdz", m) for n in (40, 60) for m in (20, 30)]
    assert [r.lower for r in rows(workload, "ladder_finetune")] == climbing
    assert [r.lower for r in rows(workload, "ladder_delta")] == [
        LowerLevels("gfn2-xtb", 0, "mp2/cc-pvdz", m) for m in (20, 30)
    ]
    assert [r.lower for r in rows(workload, "pretrain_finetune")] == [
        *(LowerLevels("gfn2-xtb", n) for n in (40, 60)),
        *(LowerLevels("mp2/cc-pvdz", m) for m in (20, 30)),
    ]
    assert [r.lower.cheap_level for r in rows(workload, "gdml_delta")] == ["gfn2-xtb", "mp2/cc-pvdz"]
    assert [r.lower for r in rows(workload, "accurate_only")] == [LowerLevels()]


def test_stages_of_a_ladder_train_on_its_levels_in_order(folder: Path) -> None:
    workload = laid_out(folder, sweep_text(LADDER, EVERY))
    levels = {
        "ladder_finetune": ["gfn2-xtb", "mp2/cc-pvdz", "ccsd_t/cc-pvdz"],
        "ladder_asteroid": ["mp2/cc-pvdz", "gfn2-xtb", "mp2/cc-pvdz", "ccsd_t/cc-pvdz"],
        "ladder_residual": ["gfn2-xtb", "mp2/cc-pvdz", "ccsd_t/cc-pvdz"],
        "ladder_delta": ["mp2/cc-pvdz", "ccsd_t/cc-pvdz"],
    }
    for strategy, trained_on in levels.items():
        for recipe in rows(workload, strategy):
            assert [spec.train.level for spec in recipe.stages] == trained_on
            assert [spec.parents for spec in recipe.stages[1:]] == [(spec.key,) for spec in recipe.stages[:-1]]
            between = [spec for spec in recipe.stages if spec.train.level == "mp2/cc-pvdz"]
            assert {len(s.train) + len(s.val) for s in between} == {recipe.lower.n_intermediate}
    mp2, last = rows(workload, "ladder_delta")[0].stages
    assert [spec.base and spec.base.level for spec in (mp2, last)] == ["gfn2-xtb", "gfn2-xtb"]
    assert last.added_to == mp2.key
    climbing = rows(workload, "ladder_finetune")[0].stages
    assert rows(workload, "ladder_residual")[0].stages[:2] == climbing[:2], "trained once for both"


def test_labels_of_the_level_between_have_their_price(folder: Path) -> None:
    """By hand: 28 s, 3 s and 2 ms a label, 50 ms to sample an xTB frame."""
    workload = laid_out(folder, sweep_text(LADDER, EVERY))
    prices = workload.data.prices
    wanted = {"ladder_finetune": 40 * 0.052 + 20 * 3.0, "ladder_delta": 20 * 3.0 + (20 + 10) * 0.002}
    for strategy, below in wanted.items():
        recipe = rows(workload, strategy)[0]
        counts = STRATEGIES[strategy].counts(recipe.budget, recipe.lower)
        assert prices.cpu_s(counts) == (280.0, pytest.approx(below, rel=1e-12))
    on_mp2 = next(r for r in rows(workload, "pretrain_finetune") if r.lower.cheap_level == "mp2/cc-pvdz")
    assert prices.cpu_s(STRATEGIES["pretrain_finetune"].counts(10, on_mp2.lower))[1] == pytest.approx(20 * 3.0)


def test_no_lower_label_is_at_a_geometry_that_a_chain_is_scored_on(folder: Path) -> None:
    for test in ("test: {groups: [3]}", "cross_validation: {folds: 5}"):
        workload = laid_out(folder, sweep_text(LADDER, "[accurate_only, ladder_finetune, ladder_delta]", test=test))
        data = workload.data
        geometry = {
            content: shape
            for labels in (data.accurate, *(cheap.pool for cheap in data.cheap))
            for content, shape in zip(content_hashes(labels), geometry_hashes(labels), strict=True)
        }
        scored_on = {geometry[h] for h in content_hashes(data.test)}
        checked = 0
        for recipe in workload.recipes:
            scored = [(recipe.stages, scored_on)]
            for division in recipe.divisions:
                scored += [(fold.chain, {geometry[h] for h in fold.score.hashes}) for fold in division.folds]
            for chain, forbidden in scored:
                seen = {geometry[h] for spec in chain for part in (spec.train, spec.val) for h in part.hashes}
                assert not seen & forbidden
                checked += bool(forbidden)
        assert checked > 5


def test_two_cheap_levels_compete_and_one_alone_is_not_named(folder: Path) -> None:
    two = laid_out(folder, sweep_text(TWO_CHEAP.replace("mp2.npz", "other.npz"), "[accurate_only, residual]"))
    assert [r.lower for r in rows(two, "residual")] == [
        LowerLevels("gfn2-xtb", 40),
        *(LowerLevels("mp2/cc-pvdz", m) for m in (20, 30)),
    ]
    plain = SWEEP[SWEEP.index("  accurate:") : SWEEP.index("test:")]
    one = laid_out(folder, sweep_text(plain, "[accurate_only, residual]", "n_cheap: [40]"))
    assert [r.lower for r in rows(one, "residual")] == [LowerLevels(n_cheap=40)]
    assert rows(one, "residual")[0].stages == rows(two, "residual")[0].stages, "the same work"


XTB_TWICE = LADDER.replace("mp2/cc-pvdz", "gfn2-xtb")
PACKAGED = "  dataset: methanol\n  {}\n"


@pytest.mark.parametrize(
    ("data", "strategies", "n_cheap", "words"),
    [
        (LADDER, "ladder_finetune", "{gfn2-xtb: [40]}", "mp2/cc-pvdz has none: add mp2/cc-pvdz:"),
        (LADDER, "ladder_finetune", "{gfn2-xtb: [40], pbe: [4]}", r"n_cheap\.pbe: no such level, this study has"),
        (LADDER, "ladder_finetune", "{gfn2-xtb: [40], mp2/cc-pvdz: [61]}", r"n_cheap\.mp2/cc-pvdz: 61 is larger"),
        (LADDER, "ladder_asteroid", None, "judged against no weights: add strategy ladder_finetune"),
        (TWO_CHEAP, "ladder_finetune", None, r"climbs over a level between .*: name three levels under data\.levels"),
        (TWO_CHEAP, "pretrain_finetune", None, "every mp2/cc-pvdz frame is at a geometry that has"),
        (XTB_TWICE, "accurate_only", "[9]", "the levels must differ, found gfn2"),
        (LADDER + f"    - {FILES['xtb']}\n", "accurate_only", None, "two or three levels, cheapest first, found 4"),
        (LADDER + f"  cheap: {FILES['xtb']}\n", "accurate_only", None, "'levels' stands for both"),
        ("  levels: [gfn2-xtb, ccsd_t/cc-pvdz]\n", "accurate_only", None, "accurate' and 'cheap'"),
        (PACKAGED.format("cheap: [pbe]"), "accurate_only", None, "has gfn2-xtb and mp2/cc-pvdz, found pbe"),
        (PACKAGED.format("levels: [gfn2-xtb, mp2/cc-pvdz]"), "accurate_only", None, "ccsd_t/cc-pvdz: name it last"),
        (TWO_CHEAP.replace("file: mp2", "fiel: mp2"), "accurate_only", None, r"unknown key 'data\.cheap\.1\.fiel'"),
    ],
)
def test_what_is_wrong_with_levels_is_one_line(
    folder: Path, data: str, strategies: str, n_cheap: str | None, words: str
) -> None:
    text = sweep_text(data, f"[{strategies}]", BY_LEVEL if n_cheap is None else f"n_cheap: {n_cheap}")
    with pytest.raises(InputError, match=words) as caught:
        make_workload(parse_sweep(text, "sweep.yaml", folder))
    assert "\n" not in str(caught.value)
