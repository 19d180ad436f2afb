"""What a file's user declares of it."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration


def test_keys_are_declared_both_or_not_at_all() -> None:
    assert Declaration().label_keys("a.npz") is None
    assert Declaration(energy_key="e", forces_key="f").label_keys("a.npz") == ("e", "f")
    with pytest.raises(InputError, match=r"energies and forces of a\.npz .* only f is named"):
        Declaration(forces_key="f").label_keys("a.npz")
