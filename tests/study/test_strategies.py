"""The table of strategies: all of the design are listed, told apart by marker and, by everybody, by colour."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import study
from analysis.figures.style import look_of
from asteroid.stages.kinds import STAGE_KINDS
from study.strategies import STRATEGIES, baseline, rank_of, strategy_of

#: Simulation of full colour-vision deficiency on linear RGB: Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009) 1291.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def cielab(colour, deficiency):
    """CIE L*a*b* of a hexadecimal colour as a reader with this deficiency sees it."""
    srgb = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(DEFICIENCIES[deficiency]) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ seen / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _those_that(have):
    return [slug for slug, entry in STRATEGIES.items() if getattr(entry, have)]


def test_all_strategies_of_the_design_are_listed():
    design = "accurate_only cheap_only pretrain_finetune asteroid asteroid_unlabelled residual gdml gdml_residual"
    ladder = ["ladder_finetune", "ladder_asteroid", "ladder_residual", "ladder_delta"]
    assert list(STRATEGIES)[10:] == ladder == _those_that("has_intermediate_axis")
    assert set(STRATEGIES) == {*design.split(), "gdml_delta", "network_delta", *ladder}
    assert all(slug == entry.slug for slug, entry in STRATEGIES.items())
    assert {kind for entry in STRATEGIES.values() for kind in entry.kinds} == set(STAGE_KINDS)
    assert _those_that("runs_cheap_method") == ["network_delta", "gdml_delta", "ladder_delta"]
    assert _those_that("needs_forces") == ["gdml", "gdml_residual", "gdml_delta", "ladder_delta"]
    assert _those_that("buys_accurate") == [s for s in STRATEGIES if s != "cheap_only"]
    assert _those_that("has_cheap_axis") == [
        s for s in STRATEGIES if s not in ("accurate_only", "gdml", "gdml_delta", "network_delta", "ladder_delta")
    ]
    assert _those_that("learns_from_sampling") == ["asteroid_unlabelled"]
    assert _those_that("weighted") == ["asteroid", "ladder_asteroid"]
    assert _those_that("one_composition") == ["gdml", "gdml_residual", "gdml_delta", "ladder_delta"]
    assert _those_that("baseline") == ["accurate_only"] == [baseline().slug]
    assert rank_of("cheap_only") < rank_of("accurate_only") < rank_of("pretrain_finetune") < rank_of("asteroid")


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_everybody_can_tell_the_colours_apart(deficiency):
    for (one, a), (other, b) in combinations(STRATEGIES.items(), 2):
        difference = np.linalg.norm(cielab(a.colour, deficiency) - cielab(b.colour, deficiency))
        assert difference > 12, (one, other)


def test_names_and_markers_are_distinct():
    for field in ("name", "short", "colour", "marker"):
        assert len({getattr(entry, field) for entry in STRATEGIES.values()}) == len(STRATEGIES)
    assert all(entry.short.count("\n") <= 1 for entry in STRATEGIES.values())


def test_a_name_that_is_not_listed_is_shown_all_the_same():
    other = strategy_of("my_model")
    assert (other.name, other.short) == ("my model", "my\nmodel")
    assert rank_of("my_model") == len(STRATEGIES)
    assert look_of("my_model").marker not in {entry.marker for entry in STRATEGIES.values()}


def test_only_the_table_names_strategies():
    """What must be known of a strategy is asked of its entry; "asteroid" and "residual" name other things as well."""
    root = Path(study.__file__).parents[1]
    table = root / "study" / "strategies.py"
    quoted = re.compile(rf"""["']({"|".join(slug for slug in STRATEGIES if slug != "residual")})["']""")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for package in ("asteroid", "study", "analysis", "sweeps")
        for path in sorted((root / package).rglob("*.py"))
        if path != table
        for line in path.read_text(encoding="utf-8").splitlines()
        if quoted.search(line)
    ]
    assert found == []
