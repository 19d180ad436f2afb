from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from difference_stages import (
    ACCURATE,
    BASE,
    CHEAP,
    bank,
    parent,
    parents_prediction,
    stage,
    total,
)

from asteroid.stages.difference import subtracted_labels
from asteroid.stages.train import train_pack


@pytest.mark.parametrize("kind", ["kernel", "residual"])
def test_differences_to_a_cheap_method_need_its_labels(kind: str) -> None:
    frames = replace(bank().levels[ACCURATE], cheap={})
    bare = replace(bank(), levels={**bank().levels, ACCURATE: frames})
    with pytest.raises(ValueError, match="difference to a cheap method needs its labels in the bank"):
        train_pack(bare, [stage(kind, base=BASE)], {})


def test_what_is_subtracted_is_the_cheap_label_the_parents_prediction_or_their_sum() -> None:
    rows = torch.tensor([3, 41])
    known, cheap = {parent().key: parent().model}, bank().levels[ACCURATE].cheap[CHEAP].rows(rows)
    mine = parents_prediction().rows(rows)
    on_parent = {"parents": (parent().key,)}
    for changes, wanted in (
        (on_parent, mine),
        ({"base": BASE}, cheap),
        ({**on_parent, "base": BASE}, total(mine, cheap)),
    ):
        found = subtracted_labels(bank(), stage("residual", **changes), rows, known)
        torch.testing.assert_close(found.energy[rows], wanted.energy, rtol=0, atol=1e-6)
        torch.testing.assert_close(found.forces[rows], wanted.forces, rtol=0, atol=1e-5)
    assert subtracted_labels(bank(), stage("finetune", **on_parent), rows, known) is None
