"""What a strategy may take from the levels below: nothing, one of several, or both of a ladder."""

from __future__ import annotations

from pathlib import Path

from tiny_levels import BY_LEVEL, CLIMBING, LADDER, levels_study
from tiny_levels import STRATEGIES as STRATEGIES_TEXT

from study.counts import LowerLevels
from study.recipes.lower_levels import BelowLevel, lower_levels_of
from study.strategies import STRATEGIES, baseline

BELOW = [BelowLevel("gfn2-xtb", is_paired=True), BelowLevel("mp2/cc-pvdz", is_paired=False)]


def test_strategies_cross_levels_and_climb_over_them() -> None:
    study = levels_study(Path(), LADDER, BY_LEVEL, (STRATEGIES_TEXT, "[residual, ladder_residual, ladder_delta]"))
    residual, climbing, delta = (
        lower_levels_of(study, strategy, BELOW, is_ladder=True) for strategy in study.strategies
    )
    assert residual == [LowerLevels("gfn2-xtb", 40), LowerLevels("mp2/cc-pvdz", 20), LowerLevels("mp2/cc-pvdz", 30)]
    assert climbing == [LowerLevels("gfn2-xtb", 40, "mp2/cc-pvdz", n) for n in (20, 30)]
    assert delta == [LowerLevels("gfn2-xtb", 0, "mp2/cc-pvdz", n) for n in (20, 30)]
    assert lower_levels_of(study, baseline().slug, BELOW, is_ladder=True) == [LowerLevels()]


def test_differences_to_a_level_need_its_labels_at_the_accurate_geometries() -> None:
    study = levels_study(Path(), LADDER, BY_LEVEL, CLIMBING)
    delta = next(slug for slug, own in STRATEGIES.items() if own.runs_cheap_method and not own.has_intermediate_axis)
    assert lower_levels_of(study, delta, BELOW, is_ladder=True) == [LowerLevels("gfn2-xtb")]
    assert lower_levels_of(study, delta, BELOW[:1], is_ladder=False) == [LowerLevels()], "the only one has no name"
