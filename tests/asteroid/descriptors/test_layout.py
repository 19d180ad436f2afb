from __future__ import annotations

import numpy as np
import pytest

from asteroid.descriptors.layout import DescriptorSettings, make_layout
from asteroid.errors import InputError

METHANOL = [6, 8, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("sites", "found"), [((0, 0, 1), "3 for 4 atoms"), ((0, 1, 1, 1), "elements 8 and 1 at site 1")], ids=str
)
def test_sites_that_do_not_fit_the_molecule_are_refused(sites: tuple[int, ...], found: str) -> None:
    with pytest.raises(InputError, match=found):
        make_layout(np.array([6, 8, 1, 1]), DescriptorSettings(sites=sites))


def test_layout_of_methanol() -> None:
    layout = make_layout(np.array(METHANOL), DescriptorSettings(n_radial=10, n_angular=4, l_max=3))
    per_pair = 4 * 4
    # H sees H, C, O and the pairs HH, HC, HO, CO; the carbon has one O (no OO pair) and the oxygen one C.
    widths = {1: 3 * 10 + 4 * per_pair, 6: 2 * 10 + 2 * per_pair, 8: 2 * 10 + 2 * per_pair}
    assert {b.number: len(b.channels) for b in layout.blocks} == widths
    assert [b.number for b in layout.blocks] == [1, 6, 8]
    assert [b.start for b in layout.blocks[1:]] == [b.stop for b in layout.blocks[:-1]]
    assert layout.width == 4 * widths[1] + widths[6] + widths[8]
