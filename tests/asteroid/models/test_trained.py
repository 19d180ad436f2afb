from __future__ import annotations

import pytest
import torch

from asteroid.models.mlp import MLPSettings
from asteroid.models.network import Scaling
from asteroid.models.trained import TrainedNetwork

SCALING = Scaling(torch.arange(3.0)[None], torch.ones(1, 3), torch.tensor([0.25]))


@pytest.mark.parametrize("elements", [None, torch.linspace(-1, 0, 119, dtype=torch.float64)])
def test_tensors_give_back_the_very_same_model(elements: torch.Tensor | None) -> None:
    model = TrainedNetwork(MLPSettings(hidden=4), torch.randn(7), SCALING, -3148.123456789012, elements)
    again = TrainedNetwork.from_tensors(model.settings, model.tensors())
    assert again.settings == model.settings
    assert again.energy_shift_ev == model.energy_shift_ev
    assert again.tensors().keys() == model.tensors().keys()
    assert all(torch.equal(value, again.tensors()[name]) for name, value in model.tensors().items())
    assert again.zero.constant_ev == model.energy_shift_ev
    assert (again.zero.elements_ev is None) == (elements is None)


def test_a_missing_tensor_is_named() -> None:
    tensors = TrainedNetwork(MLPSettings(), torch.randn(7), SCALING, 0.0).tensors()
    del tensors["inverse_std"]
    with pytest.raises(KeyError, match="inverse_std"):
        TrainedNetwork.from_tensors(MLPSettings(), tensors)
