import numpy as np
import pandas as pd
import pytest
from out_of_fold_tables import planted_table

from analysis.buying.looks import control_shift, looks_of
from asteroid.errors import InputError

TABLE = planted_table({"residual": (0.02, 0.6), "accurate_only": (0.05, 0.9)}, (30, 40), spread=0.1)


def test_a_look_is_one_mean_for_each_number_of_labels_and_folds():
    looks = looks_of(TABLE)
    assert [key.strategy for key in looks] == ["accurate_only", "residual"]
    own = next(iter(looks.values()))
    assert own.n.tolist() == [30, 30, 40, 40]
    np.testing.assert_allclose(own.x, [15, 27, 20, 36])
    np.testing.assert_allclose(own.log_error, np.log(0.05) - 0.9 * np.log(own.x / 20), atol=0.03)
    assert own.newest == 40


def test_splits_are_averaged_before_the_frames_are_counted():
    doubled = pd.concat([TABLE, TABLE.assign(split=1)])
    for one, other in zip(looks_of(TABLE).values(), looks_of(doubled).values(), strict=True):
        np.testing.assert_allclose(one.log_error, other.log_error)
        assert one.relative_variance == pytest.approx(other.relative_variance)


def test_a_strategy_without_the_newest_look_is_out():
    left = TABLE[(TABLE["strategy"] == "residual") | (TABLE["n_labels"] == 30)]
    assert [key.strategy for key in looks_of(left)] == ["residual"]


def test_labels_calmer_than_their_pool_are_told():
    assert control_shift(TABLE.assign(pool_cheap_energy_ev=2.0)) > 0.1 > abs(control_shift(TABLE))


def test_balanced_draws_are_read_without_what_their_ends_extrapolate_to():
    highest = TABLE["cheap_energy_ev"] == TABLE["cheap_energy_ev"].max()
    wild = TABLE.assign(force_mae_ev_ang=TABLE["force_mae_ev_ang"] * np.where(highest, 8.0, 1.0))
    plain, random, balanced = (looks_of(table) for table in (TABLE, wild, wild.assign(balanced=True)))
    for key, own in plain.items():
        assert (random[key].log_error[own.n == own.newest] > own.log_error[own.n == own.newest] + 0.05).all()
        np.testing.assert_allclose(balanced[key].log_error, own.log_error, atol=0.05)


def test_two_orders_of_purchase_are_refused():
    with pytest.raises(InputError, match=r"one order of labels, found the seeds \[0, 1\]"):
        looks_of(pd.concat([TABLE, TABLE.assign(seed=1)]))


def test_a_table_without_folds_is_refused():
    with pytest.raises(InputError, match="cross-validate first"):
        looks_of(TABLE.assign(n_folds=1))
