from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.models import predict as prediction
from asteroid.models.mlp import DescriptorMLP, MLPSettings, measure_scaling
from asteroid.models.mlp_parameters import initial_parameters
from asteroid.models.predict import predict

if TYPE_CHECKING:
    import pytest

    from asteroid.descriptors.frame_bank import FrameBank


def test_prediction_does_not_depend_on_its_chunk(methanol_bank: FrameBank, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, frames = methanol_bank.layout, methanol_bank.levels["gfn2-xtb"]
    settings = MLPSettings(hidden=16)
    scaling = measure_scaling(layout, frames.descriptors[:48], frames.forces[:48])
    rows = torch.arange(199, -1, -3)
    arguments = (DescriptorMLP(layout, settings), frames, rows, scaling, initial_parameters(layout, settings, 0)[None])
    whole = predict(*arguments)
    monkeypatch.setattr(prediction, "_CHUNK", 7)
    for one, other in zip(whole, predict(*arguments), strict=True):
        assert one.shape[:2] == (1, 67)
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4)
