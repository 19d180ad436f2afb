"""The files of a purchase of several levels: which level is what, prices, mistakes in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from three_levels import FILES, write_three_levels
from tiny_levels import BY_LEVEL, CLIMBING, HERE, LADDER, ONE_CHEAP, STRATEGIES, TWO_CHEAP, levels_study

from asteroid.errors import InputError
from study.buying.sources import read_sources

if TYPE_CHECKING:
    from pathlib import Path

    from study.config.buying import BuyStudy

OWNED = ("    - ccsd_t/cc-pvdz\n", f"    - {FILES['accurate']}\n")
BETWEEN = ("  start: 10\n", "  start: 10\n  intermediate: {template: job.inp.jinja}\n")
COMPUTED = (f"    - {FILES['mp2']}\n", "    - gfn1-xtb\n")
PRICED = ("buy:\n", "  prices: {gfn1-xtb: 3ms}\nbuy:\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_three_levels(folder)
    return folder


def ladder(files: Path, *changes: tuple[str, str]) -> BuyStudy:
    return levels_study(files, LADDER, BY_LEVEL, CLIMBING, *changes)


def test_a_ladder_and_two_cheap_levels(files: Path) -> None:
    found = read_sources(ladder(files))
    assert ([cheap.level for cheap in found.cheap], found.intermediate_level) == (["gfn2-xtb"], "mp2/cc-pvdz")
    assert found.intermediate is not None
    assert {level: own.label_cpu_s for level, own in found.prices.levels.items()} == {
        "ccsd_t/cc-pvdz": 28.0,
        "gfn2-xtb": 0.002,
        "mp2/cc-pvdz": 3.0,
    }
    two = read_sources(levels_study(files, TWO_CHEAP))
    assert ([cheap.level for cheap in two.cheap], two.intermediate_level) == (["gfn2-xtb", "mp2/cc-pvdz"], "")


def test_labels_owned_end_the_ladder_as_a_file(files: Path) -> None:
    assert len(read_sources(ladder(files, OWNED)).owned) == 80


def test_prices_that_fall_upwards_are_noted(files: Path) -> None:
    lines = read_sources(ladder(files, ("price: 3s", "price: 30s"))).lines
    assert lines[-1].startswith("note: a label of mp2/cc-pvdz costs 30 CPU s, one of ccsd_t/cc-pvdz above it")


def test_a_level_between_without_a_file_is_computed(files: Path) -> None:
    study = ladder(
        files, COMPUTED, PRICED, HERE, ("mp2/cc-pvdz: [20", "gfn1-xtb: [20"), ("ccsd_t/cc-pvdz", "hf/sto-3g")
    )
    found = read_sources(study)
    assert (found.intermediate, found.intermediate_level) == (None, "gfn1-xtb")
    assert found.prices.levels["gfn1-xtb"].label_cpu_s == 0.003


def test_labels_are_bought_of_the_charge_that_the_frames_have(files: Path) -> None:
    study = ladder(
        files, COMPUTED, PRICED, HERE, ("mp2/cc-pvdz: [20", "gfn1-xtb: [20"), ("ccsd_t/cc-pvdz", "hf/sto-3g")
    )
    sidecar = study.data.cheap_files[0].file.with_suffix(".meta.json")
    sidecar.write_text('{"charge": -2, "unpaired_electrons": 0}')
    try:
        with pytest.raises(InputError, match="found charge 0 under 'here': write charge: -2 and unpaired: 0 there"):
            read_sources(study)
    finally:
        sidecar.unlink()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([("mp2/cc-pvdz: [20, 30]", "hf/sto-3g: [20]")], r"n_cheap\.hf/sto-3g: no such level, this study has gfn2-xtb"),
        (
            [("- ccsd_t/cc-pvdz", "- hf/sto-3g")],
            "data.levels ends with the level that is bought, ccsd_t/cc-pvdz, found",
        ),
        ([COMPUTED], "gfn1-xtb has no labels at hand: name a file of its labels under data.levels, or"),
        ([BETWEEN], "handed over where a ladder names their level without a file, found buy.intermediate: remove it"),
        ([COMPUTED, HERE], "labels of gfn1-xtb have no price: add prices: {gfn1-xtb: 3s} under data"),
        ([("level: mp2/cc-pvdz", "level: gfn2-xtb")], "levels must differ, found gfn2-xtb for both"),
    ],
)
def test_mistakes(files: Path, changes: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_sources(ladder(files, *changes))


def test_strategies_that_climb_need_a_ladder(files: Path) -> None:
    with pytest.raises(InputError, match=r"name three levels under data\.levels"):
        levels_study(files, CLIMBING)
    with pytest.raises(InputError, match="a level by its name alone is one of a packaged 'dataset', found 'gfn1-xtb'"):
        levels_study(files, (ONE_CHEAP, f"  cheap: [{FILES['xtb']}, gfn1-xtb]\n"), (STRATEGIES, "[accurate_only]"))
