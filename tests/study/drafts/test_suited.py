"""Defaults of a first study: what they must respect, whatever the files hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asteroid.errors import InputError
from study.drafts.found import Facts
from study.drafts.suited import spaced_budgets, suited_purchase, suited_sweep

METHANOL = Facts(
    n_atoms=6,
    varied=False,
    n_accurate=1360,
    groups={0: 358, 1: 327, 2: 340, 3: 335},
    n_cheap=18640,
    cheap_of_group={0: 4642, 1: 4673, 2: 4660, 3: 4665},
    unlabelled=False,
    paired=True,
    accurate_level="ccsd_t/cc-pvdz",
    cheap_level="gfn2-xtb",
    temperature_k=500.0,
)


@given(st.integers(30, 10_000))
def test_budgets_increase_and_fit(pool: int) -> None:
    budgets = spaced_budgets(pool)
    assert list(budgets) == sorted(set(budgets))
    assert 3 <= len(budgets) <= 6
    assert budgets[0] == 16
    assert budgets[-1] <= 0.75 * pool


def test_many_labels_in_groups_are_tested_on_one() -> None:
    suited = suited_sweep(METHANOL)
    assert (suited.test_groups, suited.test_share) == ((0,), None)
    assert suited.n_cheap == (500, 4000)
    assert suited.strategies == ("accurate_only", "pretrain_finetune", "residual", "gdml_delta")


def test_energies_alone_are_left_to_networks() -> None:
    alone = replace(METHANOL, energies_alone=True)
    assert suited_sweep(alone).strategies == ("accurate_only", "pretrain_finetune", "residual", "network_delta")
    assert "network_delta" not in suited_sweep(replace(alone, unlabelled=True)).strategies


def test_without_useful_groups_a_share_is_kept_aside() -> None:
    for groups in ({}, {0: 1300, 1: 60}, {0: 1360}):
        suited = suited_sweep(replace(METHANOL, groups=groups))
        assert (suited.test_groups, suited.test_share) == ((), 0.3)


def test_few_labels_are_cross_validated() -> None:
    few = replace(METHANOL, n_accurate=60, groups={})
    suited = suited_sweep(few)
    assert (suited.test_groups, suited.test_share, suited.balanced) == ((), None, True)
    assert max(suited.budgets) == 42
    assert not suited_sweep(replace(few, paired=False)).balanced
    with pytest.raises(InputError, match="at least 30 accurate labels, found 29: draft a purchase with --buy"):
        suited_sweep(replace(few, n_accurate=29))


@pytest.mark.parametrize(
    "changes", [{"paired": False, "cheap_level": "pbe/def2-svp", "cheap_cpu_s": 9.5}, {"varied": True}, {"n_atoms": 40}]
)
def test_delta_learning_needs_the_cheap_method_and_one_small_molecule(changes: dict[str, object]) -> None:
    assert "gdml_delta" not in suited_sweep(replace(METHANOL, **changes)).strategies  # type: ignore[arg-type]


def test_bare_frames_pretrain_by_score_matching_where_their_temperature_is_known() -> None:
    bare = replace(METHANOL, unlabelled=True)
    assert suited_sweep(bare).strategies == ("accurate_only", "asteroid_unlabelled")
    assert suited_sweep(replace(bare, temperature_k=None)).strategies == ("accurate_only",)


@given(st.integers(132, 50_000))
def test_a_purchase_leaves_geometries_to_label(n_cheap: int) -> None:
    suited = suited_purchase(replace(METHANOL, n_accurate=0, groups={}, n_cheap=n_cheap), 16)
    assert len(suited.n_cheap) == 1
    assert n_cheap - suited.n_cheap[0] >= 2 * 16


def test_too_few_cheap_frames() -> None:
    with pytest.raises(InputError, match="at least 132, found 131: sample more"):
        suited_purchase(replace(METHANOL, n_accurate=0, n_cheap=131), 16)
    with pytest.raises(InputError, match="at least 50 cheap frames"):
        suited_sweep(replace(METHANOL, n_cheap=4650))
