"""What every architecture promises of itself is true of its network."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import torch

from asteroid.descriptors.layout import DescriptorSettings, make_layout
from asteroid.models.architectures import ARCHITECTURES, settings_type
from asteroid.models.network import NetworkSettings, Scaling, ScoreNetwork, stack_scalings

LAYOUT = make_layout(np.array([8, 1, 1]), DescriptorSettings(n_radial=2, n_angular=1, l_max=1))

of_every_architecture = pytest.mark.parametrize("settings", ARCHITECTURES, ids=lambda own: own.architecture)


@of_every_architecture
def test_names_lead_to_settings(settings: type[NetworkSettings]) -> None:
    assert settings_type(settings.architecture) is settings
    assert is_dataclass(settings)
    assert settings() == settings(), "every setting has a default"
    assert all(field.metadata.keys() <= {"gt", "ge", "lt", "le"} for field in fields(settings))
    assert all(field.metadata for field in fields(settings) if field.type in ("int", "float")), "numbers have bounds"


@of_every_architecture
def test_facts_hold_of_the_network(settings: type[NetworkSettings]) -> None:
    network = settings(hidden=4).network(LAYOUT)
    assert isinstance(network, ScoreNetwork) == settings.matches_scores
    assert network.initial_parameters(0).shape == (network.parameter_count(),)
    if settings.needs_descriptors:
        assert settings.one_composition, "descriptors are laid out for one composition"
        with pytest.raises(ValueError, match="needs the descriptors"):
            settings().network(None)
    else:
        assert settings(hidden=4).network(None) == network


def test_an_unknown_architecture_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        settings_type("linear")


def test_scalings_are_stacked_and_taken_apart() -> None:
    one, other = (Scaling(torch.full((1, 3), k), torch.full((1, 3), 2 * k), torch.tensor([k])) for k in (1.0, 5.0))
    both = stack_scalings([one, other])
    assert both.force_scale_ev_ang.tolist() == [1.0, 5.0]
    for name, value in vars(both.rows(torch.tensor([1]))).items():
        assert torch.equal(value, getattr(other, name))
    swapped = stack_scalings([both.rows(torch.tensor([k])) for k in (1, 0)])
    for name, value in vars(swapped).items():
        assert torch.equal(value, getattr(both, name)[[1, 0]])
