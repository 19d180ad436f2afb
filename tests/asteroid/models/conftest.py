"""Methanol for tests of networks on descriptors: the layout of its descriptors, and four geometries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from random_mlps import METHANOL, RESOLUTION

from asteroid.descriptors.layout import Layout, make_layout

if TYPE_CHECKING:
    import numpy as np

    from asteroid.labels.label_set import LabelSet


@pytest.fixture(scope="module")
def layout() -> Layout:
    return make_layout(METHANOL, RESOLUTION)


@pytest.fixture(scope="module")
def positions(methanol_sets: tuple[LabelSet, LabelSet]) -> np.ndarray:
    return methanol_sets[0].positions[:4]
