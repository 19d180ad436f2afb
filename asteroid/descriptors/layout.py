"""Which numbers describe a frame: settings, blocks of elements, and their layout for one composition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class DescriptorSettings:
    """Resolution of the descriptors.

    Attributes:
        n_radial: radial functions per kind of neighbour (two-body).
        n_angular: radial functions per pair of kinds (three-body).
        l_max: highest Legendre polynomial of the angle.
        cutoff_ang: neighbours beyond this distance (Å) do not count.
        sites: a label per atom; atoms of one label are alike to the model, and none else. None: atoms of one element.
    """

    n_radial: int = 10
    n_angular: int = 4
    l_max: int = 3
    cutoff_ang: float = 5.0
    sites: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ElementBlock:
    """Where the descriptors of one kind of centre lie in a frame's flat descriptor vector.

    Attributes:
        number: atomic number of the centre atoms; without sites there is one block per element.
        atoms: their positions in the molecule, in order.
        channels: the channels of the full layout that this kind of centre uses.
        start: first entry of the block in the flat vector; atom by atom, `len(channels)` entries each.
    """

    number: int
    atoms: tuple[int, ...]
    channels: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        """One past the last entry of the block."""
        return self.start + len(self.atoms) * len(self.channels)


@dataclass(frozen=True)
class Layout:
    """The flat descriptor vector of one composition: blocks by kind, constant and doubled channels left out."""

    numbers: tuple[int, ...]
    settings: DescriptorSettings
    blocks: tuple[ElementBlock, ...]

    @property
    def width(self) -> int:
        """Length of a frame's flat descriptor vector."""
        return self.blocks[-1].stop

    @cached_property
    def runs(self) -> tuple[tuple[ElementBlock, ...], ...]:
        """Neighbouring blocks of one size, whose networks are computed side by side like those of so many models."""
        alike = groupby(self.blocks, key=lambda block: (len(block.atoms), len(block.channels)))
        return tuple(tuple(blocks) for _, blocks in alike)

    @property
    def kinds(self) -> tuple[int, ...]:
        """What tells the atoms apart [A]: their sites, else their elements."""
        return self.settings.sites or self.numbers


def make_layout(numbers: NDArray[np.int64], settings: DescriptorSettings) -> Layout:
    """Lay out the descriptors of one molecule.

    A channel needs its kinds of neighbours to be present; a three-body channel over one and the same single neighbour
    has no angle and repeats the two-body information, so it is left out.

    Args:
        numbers: atomic numbers [A].
        settings: resolution.

    Raises:
        InputError: the sites are not one per atom, or put two elements together.
    """
    kind_of = np.array(_checked_kinds(numbers, settings.sites))
    kinds = sorted({int(k) for k in kind_of})
    blocks: list[ElementBlock] = []
    start = 0
    for centre in kinds:
        count = {k: int((kind_of == k).sum()) - (k == centre) for k in kinds}
        channels = [c for c, needs in enumerate(_channel_needs(kinds, settings)) if needs(count)]
        atoms = tuple(int(a) for a in np.flatnonzero(kind_of == centre))
        if channels:
            blocks.append(ElementBlock(int(numbers[atoms[0]]), atoms, tuple(channels), start))
            start = blocks[-1].stop
    return Layout(tuple(int(z) for z in numbers), settings, tuple(blocks))


def _checked_kinds(numbers: NDArray[np.int64], sites: tuple[int, ...] | None) -> tuple[int, ...]:
    """What tells the atoms apart: their sites, else their elements."""
    if sites is None:
        return tuple(int(z) for z in numbers)
    if len(sites) != len(numbers):
        raise InputError(f"sites are one label per atom, found {len(sites)} for {len(numbers)} atoms: label every atom")
    element: dict[int, int] = {}
    for site, z in zip(sites, numbers, strict=True):
        if element.setdefault(site, int(z)) != z:
            raise InputError(
                f"atoms of one site are of one element, found elements {element[site]} and {z} at site {site}: "
                "give them different labels"
            )
    return sites


def _channel_needs(kinds: list[int], settings: DescriptorSettings) -> list[Callable[[dict[int, int]], bool]]:
    """For each channel of the full layout: whether it is of use, given the number of neighbours of each kind."""
    needs: list[Callable[[dict[int, int]], bool]] = []
    for e in kinds:
        needs += [lambda count, e=e: count[e] > 0] * settings.n_radial  # type: ignore[misc]
    for i, e in enumerate(kinds):
        for f in kinds[i:]:
            pair_needs = [lambda count, e=e, f=f: count[e] > (e == f) and count[f] > 0]
            needs += pair_needs * (settings.n_angular * (settings.l_max + 1))
    return needs
