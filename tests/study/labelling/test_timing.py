"""Prices of labels: measured on one molecule, written as sweep files read them."""

from __future__ import annotations

import pytest
from ase.build import molecule

from asteroid.errors import InputError
from asteroid.units import parse_seconds
from study.labelling import timing
from study.labelling.timing import LevelTiming, count_functions, larger_scenario, price_text, scenario_cpu_s, time_level

WATER = molecule("H2O")


def test_a_cheap_label_is_repeated_and_one_that_fails_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_MOST_REPEATS", 3)
    found = time_level("UFF", WATER.numbers, WATER.positions, 0, 0)
    assert (found.level, found.repeats, found.functions, found.exponent) == ("uff", 3, 3, 2)
    assert 0 < found.cpu_s < 1
    with pytest.raises(InputError, match="no level"):
        time_level("guess", WATER.numbers, WATER.positions, 0, 0)


def test_an_energy_without_forces_is_timed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_MOST_REPEATS", 2)
    found = time_level("ccsd_t/sto-3g", WATER.numbers, WATER.positions, 0, 0, energies=True)
    assert found.energy_cpu_s is not None
    assert 0 < found.energy_cpu_s < found.cpu_s, "no multipliers, no gradient"


def test_functions_are_atoms_orbitals_or_basis_functions() -> None:
    counts = [
        count_functions(level, WATER.numbers, WATER.positions, 0, 0) for level in ("uff", "gfn2-xtb", "hf/sto-3g")
    ]
    assert counts == [3, 6, 7]


def test_a_scenario_scales_by_the_formal_exponent() -> None:
    assert scenario_cpu_s(LevelTiming("ccsd_t/cc-pvdz", 2.0, 1, 24, 7), 48) == pytest.approx(2.0 * 2**7)


def test_a_sum_of_levels_costs_what_its_parts_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_MOST_REPEATS", 2)
    found = time_level("hf/3-21g - hf/sto-3g + uff", WATER.numbers, WATER.positions, 0, 0)
    assert found.level == "hf/3-21g - hf/sto-3g + uff"
    assert [part.level for part in found.parts] == ["hf/3-21g", "hf/sto-3g", "uff"]
    assert found.cpu_s == pytest.approx(sum(part.cpu_s for part in found.parts))
    assert (found.functions, found.exponent) == (13, None)
    parts = (LevelTiming("hf/3-21g", 2.0, 1, 13, 4), LevelTiming("uff", 1.0, 1, 3, 2))
    together = LevelTiming("sum", 3.0, 1, 13, None, parts)
    ethanol = molecule("CH3CH2OH")
    functions, cpu_s = larger_scenario(together, ethanol.numbers, ethanol.positions, 0, 0)
    assert functions == 39
    assert cpu_s == pytest.approx(2.0 * 3**4 + 1.0 * 3**2)


@pytest.mark.parametrize("cpu_s", [3.2e-5, 0.0014, 0.5, 28.0, 9432.0])
def test_prices_read_back(cpu_s: float) -> None:
    assert parse_seconds(price_text(cpu_s)) == pytest.approx(cpu_s, rel=5e-3)
