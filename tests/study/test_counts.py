from __future__ import annotations

import pytest

from study.counts import COUNT_COLUMNS, CheapPurchase, Counts, LowerLevels


@pytest.mark.parametrize(
    ("purchase", "cheap_labels", "cheap_sampled"),
    [
        (CheapPurchase(), 0, 0),
        (CheapPurchase(frames=True, labels=True), 4000, 4000),
        (CheapPurchase(frames=True), 0, 4000),
        (CheapPurchase(labels_at_accurate=True), 50, 0),
        (CheapPurchase(frames=True, labels=True, labels_at_accurate=True), 4050, 4000),
    ],
)
def test_what_is_bought_of_the_cheap_level(purchase: CheapPurchase, cheap_labels: int, cheap_sampled: int) -> None:
    assert purchase.counts(50, LowerLevels(n_cheap=4000)) == Counts(50, cheap_labels, cheap_sampled)


def test_counts_are_columns_and_come_back() -> None:
    counts = Counts(50, 4050, 4000)
    assert list(counts.columns()) == list(COUNT_COLUMNS)
    assert Counts.of_row(counts.columns()) == counts
