from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from asteroid.checks.guards import check_labels, refuse_leak
from asteroid.datasets import Dataset, load_methanol
from asteroid.labels.matching import match_geometries, matched_force_mae
from asteroid.labels.splits import buy_accurate, cheap_pool_rows, split_test
from asteroid.units import ENERGY_IN_EV, KCAL_PER_MOL_EV


@cache
def methanol() -> Dataset:
    return load_methanol()


def test_both_levels_pass_every_guard() -> None:
    check_labels(methanol().accurate, "CCSD(T)")
    check_labels(methanol().cheap, "GFN2-xTB")


def test_sizes_levels_and_groups() -> None:
    accurate, cheap = methanol().accurate, methanol().cheap
    assert (accurate.level, len(accurate)) == ("ccsd_t/cc-pvdz", 1360)
    assert (cheap.level, len(cheap)) == ("gfn2-xtb", 20_000)
    assert accurate.group is not None
    assert cheap.group is not None
    assert np.bincount(accurate.group).tolist() == [358, 327, 340, 335]
    assert np.bincount(cheap.group).tolist() == [5000] * 4
    assert accurate.numbers.tolist() == cheap.numbers.tolist() == [6, 8, 1, 1, 1, 1]


def test_levels_pair_exactly() -> None:
    accurate, cheap = methanol().accurate, methanol().cheap
    rows_a, rows_b = match_geometries(accurate, cheap)
    assert rows_a.tolist() == list(range(1360))
    assert rows_b.tolist() == accurate.frame_id.tolist()
    np.testing.assert_array_equal(accurate.positions, cheap.positions[rows_b])
    assert accurate.group is not None
    assert cheap.group is not None
    np.testing.assert_array_equal(accurate.group, cheap.group[rows_b])
    mae = matched_force_mae(accurate, cheap, (rows_a, rows_b)) / KCAL_PER_MOL_EV
    assert mae == pytest.approx(6.88, abs=0.01)


def test_energies_are_those_of_the_methods() -> None:
    assert methanol().accurate.energy is not None
    energy = methanol().accurate.energy / ENERGY_IN_EV["Hartree"]
    assert -115.45 < energy.min() < energy.max() < -115.38


def test_cheap_pool_leaves_out_replica_3_and_every_labelled_geometry() -> None:
    accurate, cheap = methanol().accurate, methanol().cheap
    rows = cheap_pool_rows(cheap, accurate, test_groups=methanol().card.test_groups)
    assert cheap.group is not None
    expected = set(np.flatnonzero(cheap.group != 3).tolist()) - set(accurate.frame_id.tolist())
    assert set(rows.tolist()) == expected
    assert len(rows) == 15_000 - 1_025


def test_roles_do_not_leak() -> None:
    accurate, cheap = methanol().accurate, methanol().cheap
    test, pool = split_test(accurate, groups=(3,), share=None)
    assert (len(test), len(pool)) == (335, 1025)
    bought = buy_accurate(accurate.select(pool), 500, seed=1)
    assert (len(bought.train), len(bought.val)) == (400, 100)
    refuse_leak(accurate.select(pool), accurate.select(test), "pool")
    rows = cheap_pool_rows(cheap, accurate, test_groups=(3,))
    refuse_leak(cheap.select(rows), accurate, "cheap frames")


def test_importing_loads_no_data_and_no_torch() -> None:
    script = (
        "import sys, numpy\n"
        "def refuse(*args, **kwargs): raise SystemExit('data were loaded')\n"
        "numpy.load = refuse\n"
        "import asteroid.datasets, asteroid.labels.splits, asteroid.checks.guards\n"
        "sys.exit('torch was imported' if 'torch' in sys.modules else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
