"""How finely a molecule is described: what tells its atoms apart, and how many channels that affords."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from asteroid.descriptors.describe import bytes_per_frame
from asteroid.descriptors.layout import DescriptorSettings, make_layout
from asteroid.errors import InputError
from asteroid.labels.sites import equivalent_sites

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray, IntArray

AtomKinds = Literal["auto", "sites", "elements"]

#: Coarse and sufficient where sites tell the atoms apart (ethanol: .50 kcal/mol/Å at 200 labels, 10/4/3 gain nothing);
#: elements alone need the finer `DescriptorSettings` default (.89).
SITE_RESOLUTION = DescriptorSettings(n_radial=6, n_angular=1, l_max=2)

#: Largest described frame that `auto` accepts. Ethanol takes .08 MB with all its sites, aspirin 3.1.
MOST_BYTES_PER_FRAME = 2**20


def choose_descriptors(
    numbers: IntArray,
    positions: FloatArray,
    atoms: AtomKinds = "auto",
    *,
    n_radial: int | None = None,
    n_angular: int | None = None,
    l_max: int | None = None,
    cutoff_ang: float | None = None,
) -> DescriptorSettings:
    """Resolve the descriptors of a molecule.

    `auto` looks as many bonds far as a frame of `MOST_BYTES_PER_FRAME` affords: descriptors grow with the square of the
    number of sites. Where not even bonded neighbours are affordable, elements tell the atoms apart.

    Args:
        numbers: atomic numbers [A].
        positions: frames of the molecule [N, A, 3], Å, from which its bonds are read.
        atoms: what tells atoms apart.
        n_radial: instead of the resolution's own; likewise the others.
        n_angular: see `DescriptorSettings`.
        l_max: see `DescriptorSettings`.
        cutoff_ang: see `DescriptorSettings`.

    Raises:
        InputError: the frames are of several molecules.
    """
    if np.ndim(numbers) != 1:
        sizes = np.count_nonzero(numbers, axis=1)
        raise InputError(
            f"packed descriptors need one composition, found {len(np.unique(np.sort(numbers, axis=1), axis=0))} of "
            f"{sizes.min()} to {sizes.max()} atoms: use a model for several molecules or take one molecule at a time"
        )
    given = {"n_radial": n_radial, "n_angular": n_angular, "l_max": l_max, "cutoff_ang": cutoff_ang}
    wanted = {name: value for name, value in given.items() if value is not None}
    if atoms != "elements":
        for shells in (None,) if atoms == "sites" else (None, 3, 2, 1):
            sites = equivalent_sites(numbers, positions, shells=shells)
            settings = replace(SITE_RESOLUTION, sites=sites, **wanted)  # type: ignore[arg-type]
            if atoms == "sites" or bytes_per_frame(make_layout(numbers, settings)) <= MOST_BYTES_PER_FRAME:
                return settings
    return replace(DescriptorSettings(), **wanted)  # type: ignore[arg-type]
