from __future__ import annotations

import pytest
from tiny_search import SWEEP, sweep_of

from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes
from study.data.load import load_data
from study.recipes.chains import ChainBuilder
from study.recipes.workload import make_workload


def test_scores_are_cross_validated_inside_the_bought_labels() -> None:
    sweep = sweep_of()
    data = load_data(sweep)
    builder = ChainBuilder(data)
    test = set(content_hashes(data.test))
    train, val = builder.bought(15, 100)
    bought = set(train.hashes + val.hashes)
    scored: list[str] = []
    for (fold_train, fold_val), score in builder.folds(15, 100, 3):
        inside = set(fold_train.hashes) | set(fold_val.hashes)
        assert inside | set(score.hashes) == bought
        assert not inside & set(score.hashes)
        assert not set(fold_train.hashes) & set(fold_val.hashes)
        scored += score.hashes
    assert sorted(scored) == sorted(bought), "every bought label is scored on once"
    assert not bought & test


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("subset_seeds: [100, 101]", "subset_seeds: [0, 101]"), "new seeds"),
        (("gamma_rel: [0.3, 1, inf]", "gamma_rel: [0.3, 1]"), "add inf"),
        (("folds: 2", "folds: 1"), "folds"),
        (("{low: 0.003, high: 0.05}", "{low: 0.05, high: 0.003}"), "low < high"),
        (("budgets: [15]", "budgets: [5000]"), "largest possible"),
        (("budgets: [15]", "budgets: [6]"), "buy more labels"),
        (("\ntune:", "\npareto:"), "mode pareto"),
        (("hidden: [6, 8]", "hiden: [6, 8]"), "did you mean 'hidden'"),
        (
            ("[accurate_only, pretrain_finetune, asteroid]", "[gdml, cheap_only]"),
            "none of it belongs to gdml, cheap_only",
        ),
    ],
)
def test_a_wrong_search_is_refused_with_one_line(edit: tuple[str, str], says: str) -> None:
    assert edit[0] in SWEEP
    with pytest.raises(InputError) as caught:
        make_workload(sweep_of(SWEEP.replace(*edit)))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
