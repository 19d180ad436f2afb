"""How many models a committee has: as many as are asked for or usual, never one."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from study.export.committee import committee_size


def test_sizes() -> None:
    assert [committee_size(None, there) for there in (0, 1, 2, 9)] == [0, 0, 2, 4]
    assert committee_size(9, 9) == 9
    assert committee_size(0, 9) == 0
    for asked, there, found in ((1, 9, "at least 2"), (-2, 9, "at least 2"), (3, 2, "ask for 2"), (3, 1, "ask for 0")):
        with pytest.raises(InputError, match=found):
            committee_size(asked, there)
