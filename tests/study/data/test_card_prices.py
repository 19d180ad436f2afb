"""What the sidecar of a label file states completes the sweep, and never replaces what that says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from asteroid.errors import InputError
from study.config.label_files import LabelFile
from study.data.card_prices import fill_from_card

if TYPE_CHECKING:
    from pathlib import Path

CARD = {"price_cpu_s": 0.7, "sampling_price_cpu_s_per_frame": 0.2, "temperature_k": 450, "selection_rule": "random"}


def test_the_sweep_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.touch()
    (tmp_path / "a.meta.json").write_text(json.dumps(CARD))
    whole = fill_from_card(LabelFile(file=path))
    assert (whole.given.price, whole.given.sampling_price, whole.given.temperature_k) == (0.7, 0.2, 450.0)
    assert (whole.source, whole.selection_rule) == ("a.meta.json", "random")
    stated = fill_from_card(LabelFile(file=path, price="3s", sampling_price=0.1, temperature_k=300))
    assert (stated.given.price, stated.given.temperature_k, stated.source) == (3.0, 300.0, "sweep file")
    assert fill_from_card(LabelFile(file=path, price="3s")).source == "sweep file", "only its sampling is the card's"
    assert fill_from_card(LabelFile(file=path, price="3s", unlabelled=True)).source == "a.meta.json"


@pytest.mark.parametrize("wrong", ["12 s", -1, float("nan"), float("inf"), True, [1]])
@pytest.mark.parametrize("key", ["price_cpu_s", "temperature_k"])
def test_a_price_is_a_number(key: str, wrong: object, tmp_path: Path) -> None:
    (tmp_path / "a.meta.json").write_text(json.dumps(CARD | {key: wrong}))
    with pytest.raises(InputError, match=rf"^{key} in a\.meta\.json must be a number of at least 0, found"):
        fill_from_card(LabelFile(file=tmp_path / "a.npz"))


def test_without_a_sidecar_nothing_is_added(tmp_path: Path) -> None:
    given = LabelFile(file=tmp_path / "none.npz", price="1min")
    assert fill_from_card(given).given == given
    assert fill_from_card(given).selection_rule is None
