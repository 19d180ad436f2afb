from __future__ import annotations

from pathlib import Path

import pytest

from asteroid.errors import InputError
from sweeps.methods import make_method


def test_a_level_is_one_that_can_be_computed_unless_a_calculator_bears_its_name(tmp_path: Path) -> None:
    water = tmp_path / "water.xyz"
    water.write_text("3\n\nO 0 0 0.12\nH 0 0.76 -0.47\nH 0 -0.76 -0.47\n")
    assert make_method(water, "GFN2-xTB", 1, 0, 50, None, print).level == "gfn2-xtb"
    with pytest.raises(InputError):
        make_method(water, "my-potential", 0, 0, 50, None, print)
    own = make_method(water, "My-Potential", 0, 0, 50, "module:factory", print)
    assert (own.level, own.calculator) == ("my-potential", "module:factory")
    assert str(Path.cwd()) in vars(own).values(), "where the module is looked for"
