from __future__ import annotations

import numpy as np
import pytest

from asteroid.descriptors import resolution
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.descriptors.resolution import SITE_RESOLUTION, choose_descriptors
from asteroid.errors import InputError

NUMBERS = np.array([8, 1, 1])
WATER = np.array([[[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]]])


def test_bonds_tell_atoms_apart_unless_elements_are_asked_for() -> None:
    chosen = choose_descriptors(NUMBERS, WATER)
    assert chosen.sites is not None
    assert chosen.sites[1] == chosen.sites[2] != chosen.sites[0]
    assert (chosen.n_radial, chosen.l_max) == (SITE_RESOLUTION.n_radial, SITE_RESOLUTION.l_max)
    assert choose_descriptors(NUMBERS, WATER, "elements") == DescriptorSettings()


def test_what_is_given_takes_the_place_of_the_default() -> None:
    assert choose_descriptors(NUMBERS, WATER, "elements", n_radial=3, cutoff_ang=4.0) == DescriptorSettings(
        n_radial=3, cutoff_ang=4.0
    )


def test_elements_tell_atoms_apart_where_sites_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "MOST_BYTES_PER_FRAME", 1)
    assert choose_descriptors(NUMBERS, WATER) == DescriptorSettings()
    assert choose_descriptors(NUMBERS, WATER, "sites").sites is not None


def test_several_molecules_are_refused() -> None:
    with pytest.raises(InputError, match="need one composition, found 2 of 2 to 3 atoms"):
        choose_descriptors(np.array([[8, 1, 1], [1, 1, 0]]), np.tile(WATER, (2, 1, 1)))
