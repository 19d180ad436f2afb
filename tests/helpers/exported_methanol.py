"""Force fields of methanol with random weights, quick to make: networks, a committee, and one on top of xTB."""

from __future__ import annotations

import numpy as np
import torch

from asteroid.datasets import load_methanol
from asteroid.deploy.force_field import ForceField
from asteroid.deploy.record import CardRecord, ErrorRecord, TrainingRecord
from asteroid.descriptors.layout import make_layout
from asteroid.descriptors.resolution import choose_descriptors
from asteroid.labelling.cheap_methods import cheap_method
from asteroid.labels.label_set import LabelSet
from asteroid.models.mlp import MLPSettings
from asteroid.models.network import Scaling
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.potential import Potential

CARD = CardRecord(
    name="tiny",
    source="a test",
    training=TrainingRecord(
        n_labels=20,
        label_hashes=("0" * 32,),
        n_cheap=0,
        cheap_level="gfn2-xtb",
        strategy="residual",
        stage_keys=("1" * 32,),
        trainer_version=5,
    ),
    error=ErrorRecord(
        measured_by="test labels",
        force_mae_ev_ang=0.02,
        low_ev_ang=0.01,
        high_ev_ang=0.03,
        energy_mae_ev=None,
        n_frames=9,
    ),
    committee="other seeds",
    licence="MIT",
    versions={"asteroid-study": "0.1.0", "torch": "2.13.0+cpu"},
)


def frames(n: int = 20) -> LabelSet:
    """Geometries of methanol at 500 K."""
    labels = load_methanol().accurate
    return LabelSet(labels.numbers, labels.positions[:n], None, None, labels.level)


def force_field(members: int = 3, *, cheap: str | None = None, seed: int = 0) -> ForceField:
    """A sum of two random networks with a committee of the same."""
    known = frames()
    layout = make_layout(known.numbers, choose_descriptors(known.numbers, known.positions))
    settings = MLPSettings(hidden=8)
    network = settings.network(layout)
    scaling = Scaling(torch.full((1, layout.width), 0.3), torch.full((1, layout.width), 0.5), torch.ones(1))

    def model(number: int) -> TrainedNetwork:
        return TrainedNetwork(settings, network.initial_parameters(number), scaling, -3.0 * number)

    def member(number: int) -> Potential:
        models = model(seed + 2 * number), model(seed + 2 * number + 1)
        return Potential(layout, models, None if cheap is None else cheap_method(cheap))

    first, *others = [member(number) for number in range(members)]
    return ForceField(known.level, cheap, first, tuple(others), known, CARD)


def bent(positions: np.ndarray, by_ang: float, seed: int = 0) -> np.ndarray:
    """Positions with random displacements."""
    return positions + by_ang * np.random.default_rng(seed).standard_normal(positions.shape)
