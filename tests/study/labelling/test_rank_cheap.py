"""Candidates for the cheap level: what can be learned ranks, not the size of the error; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from study.labelling import rank_cheap as ranking
from study.labelling.rank_cheap import RankedLevel, cheap_labels_in, cheap_labels_of, rank_cheap, recommended

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet

OWNED = load_methanol().accurate.select(np.arange(20))


def springs(labels: LabelSet, constant: float) -> tuple[np.ndarray, np.ndarray]:
    """Energy and forces of equal springs between all atoms."""
    apart = labels.positions[:, :, None] - labels.positions[:, None]
    return constant / 4 * (apart**2).sum(axis=(1, 2, 3)), -constant * apart.sum(axis=2)


def planted(level: str, constant: float, noise_ev_ang: float) -> LabelSet:
    assert OWNED.energy is not None
    assert OWNED.forces is not None
    energy, forces = springs(OWNED, constant)
    noise = np.random.default_rng(0).normal(scale=noise_ev_ang, size=forces.shape)
    return replace(OWNED, energy=OWNED.energy - energy, forces=OWNED.forces - forces + noise, level=level, cpu_s=None)


def test_a_large_smooth_error_is_better_than_a_small_rough_one() -> None:
    smooth, rough = planted("smooth", 1.0, 0.0), planted("rough", 0.0, 0.2)
    best, other = rank_cheap(OWNED, [(rough, 0.1), (smooth, 5.0)])
    assert (best.level, other.level) == ("smooth", "rough")
    assert best.own_mae_ev_ang > 2 * other.own_mae_ev_ang
    assert best.mae_ev_ang < 0.5 * other.mae_ev_ang
    assert best.mae_ev_ang < best.half_mae_ev_ang
    assert (best.behind_ev_ang, best.equal_to_the_best) == (0.0, True)
    assert not other.equal_to_the_best
    assert recommended([best, other]).level == "smooth"


def test_of_equal_candidates_the_cheaper_is_recommended_where_both_have_a_price() -> None:
    errors = np.full(20, 0.1)
    dear = RankedLevel("dear", 0.3, 0.2, errors, 5.0)
    cheap = RankedLevel("cheap", 0.9, 0.2, errors + 0.01, 0.1, 0.01, 0.006)
    behind = RankedLevel("behind", 0.1, 0.2, errors + 0.1, 0.001, 0.1, 0.006)
    assert recommended([dear, cheap, behind]).level == "cheap"
    assert recommended([dear, replace(cheap, label_cpu_s=float("nan")), behind]).level == "dear"


def test_labels_are_computed_or_read_and_too_slow_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    few, packaged = OWNED.select(np.arange(3)), load_methanol().cheap
    labels, cpu_s = cheap_labels_of(few, "gfn2-xtb")
    assert (labels.level, len(labels)) == ("gfn2-xtb", 3)
    assert 0 < cpu_s < 1
    read, told_cpu_s = cheap_labels_in(few, packaged)
    np.testing.assert_allclose(read.forces, labels.forces, atol=1e-3)
    assert told_cpu_s == pytest.approx(np.median(packaged.cpu_s))
    monkeypatch.setattr(ranking, "LONGEST_CPU_S", 1e-6)
    with pytest.raises(InputError, match="too long for 3 of them on the way: make them with 'label'"):
        cheap_labels_of(few, "gfn2-xtb")


def test_a_geometry_without_a_label_names_the_level_the_frame_and_the_reason() -> None:
    apart = OWNED.positions[:3].copy()
    apart[1, 0] = apart[1, 1]  # two atoms in one place
    with pytest.raises(InputError, match=r"gfn2-xtb is compared where .*, failed at frame 1 \(.+\): leave"):
        cheap_labels_of(replace(OWNED.select(np.arange(3)), positions=apart), "gfn2-xtb")


def test_too_few_labels_and_levels_that_do_not_run() -> None:
    with pytest.raises(InputError, match="at least 10 accurate labels, found 9"):
        rank_cheap(OWNED.select(np.arange(9)), [])
    with pytest.raises(InputError, match="uff must run here to be compared: uff cannot be run"):
        cheap_labels_of(OWNED, "uff")
