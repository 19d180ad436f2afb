from __future__ import annotations

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

from asteroid.descriptors.frame_bank import Prediction
from asteroid.models.predict import predict_models
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.train import train_pack


def test_the_prediction_of_a_chain_is_the_sum_of_its_terms() -> None:
    specs = [
        stage("residual", parents=(parent().key,)),
        stage("kernel", parents=(parent().key,)),
        stage("kernel", base=BASE),
        stage("kernel", parents=(parent().key,), base=BASE),
        stage("finetune", parents=(parent().key,)),
    ]
    known = {parent().key: parent().model}
    for spec in specs:
        (result,) = train_pack(bank(), [spec], known)
        known[result.key] = result.model
    rows = torch.tensor([57, 3, 41])
    cheap = bank().levels[ACCURATE].cheap[CHEAP].rows(rows)
    found = predict_chain(bank(), ACCURATE, rows, specs, known)
    assert (found.energy.shape, found.forces.shape) == ((5, 3), (5, 3, 18))
    mine = parents_prediction().rows(rows)
    zero = Prediction(torch.zeros(3, dtype=torch.float64), torch.zeros(3, 18))
    added = (mine, mine, cheap, total(mine, cheap), zero)  # a fine-tuned network stands for itself
    for place, (spec, extra) in enumerate(zip(specs, added, strict=True)):
        own = predict_models(bank(), ACCURATE, rows, [known[spec.key]])
        torch.testing.assert_close(found.energy[place], own.energy[0] + extra.energy, rtol=0, atol=1e-6)
        torch.testing.assert_close(found.forces[place], own.forces[0] + extra.forces, rtol=0, atol=1e-5)
        assert float((found.forces[place] - bank().levels[ACCURATE].forces[rows]).abs().mean()) < 0.7
