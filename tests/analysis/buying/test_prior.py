import numpy as np
import pytest

from analysis.buying.known_curves import known_curves
from analysis.buying.prior import VAGUE, CurvePrior, learnt_prior, prior_of


def test_the_learnt_prior_is_narrower_than_the_vague_one_and_keeps_a_part_of_it():
    learnt = prior_of("learnt")
    (_, _, spread), rest = learnt.slopes
    assert spread < VAGUE.slopes[0][2]
    assert rest[1:] == VAGUE.slopes[0][1:]
    assert prior_of("vague") is VAGUE


def test_a_system_can_be_left_out():
    assert learnt_prior(["methanol"]).slopes != learnt_prior().slopes
    assert not [
        c
        for c in known_curves()
        if c.system == "methanol" and c.source in learnt_prior(["methanol", "ethanol"]).sources
    ]


@pytest.mark.parametrize("prior", [VAGUE, learnt_prior()])
def test_the_grid_has_the_moments_of_the_prior(prior):
    alpha, phi, log_weight = prior.grid()
    weight = np.exp(log_weight)
    assert weight.sum() == pytest.approx(1)
    assert weight[phi == 0].sum() == pytest.approx(prior.no_floor)
    assert (weight * phi).sum() == pytest.approx((1 - prior.no_floor) / (1 + prior.floor_b), rel=0.02)
    assert 0.3 < np.exp((weight * np.log(alpha)).sum()) < 0.7


def test_a_sharp_prior_puts_its_weight_at_its_centre():
    alpha, _, log_weight = CurvePrior(((1.0, 0.8, 0.1),)).grid()
    assert np.exp(log_weight)[np.abs(np.log(alpha / 0.8)) < 0.25].sum() > 0.95
