"""The sweep files, and study files of purchases, that ship with the package."""

import pytest

from asteroid.errors import InputError
from sweeps.presets import load_purchase, load_sweep, preset_names, purchase_names


def test_presets_are_valid() -> None:
    for name in preset_names():
        assert load_sweep(name).name == name


def test_purchases_are_valid_and_no_sweeps() -> None:
    assert purchase_names() == ["ladder", "quickstart"]
    for name in purchase_names():
        assert load_purchase(name).name == name
    assert not any(name.endswith(".buy") for name in preset_names())


def test_a_name_that_is_neither_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"a study is a file or a preset's name.*did you mean 'quickstart'"):
        load_purchase("quickstrat")
