"""The cheap level at the accurate labels: values, their standard, and what balanced draws need of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_sweep import sweep_of

from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes
from study.data.cheap_controls import cheap_controls, drawn_along

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet


def paired(methanol_sets: tuple[LabelSet, LabelSet]) -> tuple[LabelSet, LabelSet]:
    """Accurate frames that the cheap set has as well."""
    cheap = methanol_sets[1]
    return replace(cheap.select(np.arange(0, 100, 5)), level="ccsd_t/cc-pvdz"), cheap


def test_values_and_their_standard(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    pool, cheap = paired(methanol_sets)
    assert pool.energy is not None
    assert cheap.energy is not None
    found, hashes = cheap_controls(pool, cheap, at_random=True), content_hashes(pool)
    assert found.of(hashes[3:5])[:, 0] == pytest.approx(pool.energy[3:5])
    standard = found.standardised(hashes)
    assert standard is not None
    assert standard[:, 0] == pytest.approx((pool.energy - cheap.energy.mean()) / cheap.energy.std())
    assert cheap_controls(pool, cheap, at_random=False).standardised(hashes) is None


def test_an_unknown_frame_has_no_value(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    pool, cheap = paired(methanol_sets)
    found = cheap_controls(pool, cheap.select(np.arange(5, 200)), at_random=True)
    assert np.isnan(found.values).any(axis=1).tolist() == [True] + [False] * 19
    assert found.standardised(content_hashes(pool)) is None
    assert found.standardised(content_hashes(pool)[1:]) is not None


def test_balanced_draws_need_every_cheap_energy(methanol_sets: tuple[LabelSet, LabelSet], tiny_labels: Path) -> None:
    pool, cheap = paired(methanol_sets)
    balanced, random = sweep_of(tiny_labels, ("budgets:", "draw: balanced\nbudgets:")), sweep_of(tiny_labels)
    controls = cheap_controls(pool, cheap, at_random=True)
    along = drawn_along(balanced, pool, cheap, controls)
    assert along is not None
    assert along == pytest.approx(pool.energy)
    assert drawn_along(random, pool, cheap, controls) is None
    partial = cheap.select(np.arange(5, 200))
    with pytest.raises(InputError, match=r"draw: balanced needs a gfn2-xtb energy .* 1 of 20 have none: add them"):
        drawn_along(balanced, pool, partial, cheap_controls(pool, partial, at_random=True))
