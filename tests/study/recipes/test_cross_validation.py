"""Every owned label is scored once in every division, by chains that never saw it; nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tiny_sweep import sweep_of

from asteroid.errors import InputError
from study.recipes.workload import Workload, make_workload

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_TEST = ("test: {groups: [3]}\n", "")


@pytest.fixture(scope="module")
def workload(tiny_labels: Path) -> Workload:
    return make_workload(sweep_of(tiny_labels, WITHOUT_TEST, ("seeds: [0, 1]", "seeds: [1]")))


def test_every_owned_label_is_scored_once_by_a_chain_that_never_saw_it(workload: Workload) -> None:
    for recipe in workload.recipes:
        bought = recipe.budget > 0
        assert [(d.n_folds, d.split) for d in recipe.divisions] == ([(10, 0), (2, 0)] if bought else [(1, 0)])
        for division in recipe.divisions:
            assert len(division.owned.hashes) == (recipe.budget or 15)
            scored = [h for fold in division.folds for h in fold.score.hashes]
            assert sorted(scored) == sorted(division.owned.hashes)
            for fold in division.folds:
                seen = {h for spec in fold.chain for frames in (spec.train, spec.val) for h in frames.hashes}
                assert not seen & set(fold.score.hashes)
                assert len(fold.chain) == len(recipe.stages)


def test_the_model_of_a_row_is_trained_on_all_its_labels(workload: Workload) -> None:
    for recipe in workload.recipes:
        last = recipe.stages[-1]
        if recipe.budget:
            assert {*last.train.hashes, *last.val.hashes} == set(recipe.divisions[0].owned.hashes)


def test_owned_labels_nest(workload: Workload) -> None:
    few, many = (workload.builder.owned(n, 1).hashes for n in (10, 15))
    assert many[:10] == few


def test_pretraining_is_shared_by_all_folds(workload: Workload) -> None:
    rows = [recipe for recipe in workload.recipes if recipe.strategy == "pretrain_finetune"]
    assert len({chain[0].key for recipe in rows for chain in recipe.chains}) == 1


def test_a_test_set_leaves_no_divisions(tiny_workload: Workload) -> None:
    assert all(recipe.divisions == () for recipe in tiny_workload.recipes)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("test: {groups: [3]}", "cross_validation: {splits: 2}\ntest: {groups: [3]}"), "remove 'test' or"),
        (("test: {groups: [3]}\nstra", "cross_validation: {folds: 1}\nstra"), "cross_validation.folds"),
        (("budgets: [10, 15]", "budgets: [5, 15]"), "smallest possible without a test set is 6"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused(tiny_labels: Path, change: tuple[str, str], says: str) -> None:
    changes = (change,) if "test:" in change[0] else (WITHOUT_TEST, change)
    with pytest.raises(InputError) as refusal:
        make_workload(sweep_of(tiny_labels, *changes))
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
