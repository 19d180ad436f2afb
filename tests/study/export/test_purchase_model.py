"""Models out of a purchase: what it delivers, with the folds of its last look as committee."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tiny_purchase import bought, study_of
from tiny_sweep import write_labels

from asteroid.errors import InputError
from study.buying.state import new_state, read_state, write_state
from study.export.purchase_model import purchase_force_field

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def purchase(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = tmp_path_factory.mktemp("files")
    write_labels(files)
    folder = files / "out"
    bought(study_of(files), folder)
    return folder


def test_the_delivered_model_with_its_folds(purchase: Path) -> None:
    state = read_state(purchase)
    assert state.delivered is not None
    field = purchase_force_field(purchase, committee=10)
    assert field.card.training.stage_keys == tuple(state.delivered["stage_keys"])
    assert field.card.training.n_labels == len(field.trained_on) == 13
    assert field.card.error.force_mae_ev_ang == state.rounds[-1].verdict.best.error_ev_ang
    assert field.card.error.energy_mae_ev is not None
    assert len(field.committee) == 10
    spread = field.spread(field.trained_on.numbers, field.trained_on.positions)
    assert spread is not None
    assert (spread.forces.std(axis=(1, 2)) > 0).all()
    assert len(purchase_force_field(purchase).committee) == 4
    assert not purchase_force_field(purchase, committee=0).committee
    with pytest.raises(InputError, match="there are 10 further models"):
        purchase_force_field(purchase, committee=11)


def test_an_unfinished_purchase_has_no_model(purchase: Path, tmp_path: Path) -> None:
    state = read_state(purchase)
    (tmp_path / "study.yaml").write_text((purchase / "study.yaml").read_text())
    write_state(tmp_path, new_state(study_of(purchase.parent), state.request, state.levels))
    with pytest.raises(InputError, match="no model yet"):
        purchase_force_field(tmp_path)
