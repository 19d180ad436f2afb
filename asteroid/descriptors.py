"""Per-atom descriptors D(x) and their Jacobians dD/dx, computed once per frame.

Training frames never move, so everything that depends on positions alone is computed before training; a force is then
one product with a stored Jacobian. Atoms are told apart by element or, where sites are given, by their place in the
molecule (`sites.equivalent_sites`); "kind" stands for either. Two-body channels are radial sums per kind of neighbour;
three-body channels are, per pair of kinds, sums over neighbour pairs of R_n(r_ij) R_n(r_ik) P_l(cos theta_jik) (the
angular idea of Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007), in the Legendre form of the SOAP power
spectrum, Bartók et al., Phys. Rev. B 87, 184115 (2013)). The sums over pairs are never written out: they are
contractions of moment tensors M_p = sum_j R_n(r_ij) u_ij^(x)p (Shapeev, Multiscale Model. Simul. 14, 1153 (2016)), so
the cost is quadratic in the atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from asteroid.errors import InputError
from asteroid.invariants import evaluate, fill_jacobians, make_workspace, plan_of

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

    @property
    def kinds(self) -> tuple[int, ...]:
        """What tells the atoms apart [A]: their sites, else their elements."""
        return self.settings.sites or self.numbers


#: Jacobians of so many bytes at a time: few enough for the cache, enough to hide the overhead of each call of torch.
_CHUNK_BYTES = 8 * 2**20


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


def describe(
    layout: Layout,
    positions: NDArray[np.float64],
    dtype: torch.dtype = torch.float32,
    out: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Descriptors and Jacobians of many frames of one molecule.

    Args:
        layout: from `make_layout`.
        positions: [N, A, 3] in Å.
        dtype: precision of the arithmetic and of the result, float32 or float64.
        out: contiguous tensors of the result's shapes and precision to write it into.

    Returns:
        descriptors [N, W] and Jacobians [N, W, 3A] (per Å); W is `layout.width`.
    """
    n_frames, n_atoms, _ = positions.shape
    if out is None:
        out = (
            torch.empty(n_frames, layout.width, dtype=dtype),
            torch.empty(n_frames, layout.width, 3 * n_atoms, dtype=dtype),
        )
    values, jacobians = out
    plan = plan_of(layout, dtype)
    chunk = _frames_at_once(layout)
    room = make_workspace(plan, min(n_frames, chunk))
    for first in range(0, n_frames, chunk):
        rows = slice(first, first + chunk)
        values[rows], moments = evaluate(plan, torch.tensor(positions[rows], dtype=torch.float64))
        fill_jacobians(plan, moments, room, jacobians[rows])
    return values, jacobians


def describe_values(layout: Layout, positions: NDArray[np.float64]) -> Tensor:
    """Descriptors of many frames of one molecule without Jacobians, about ten times cheaper than `describe`.

    Args:
        layout: from `make_layout`.
        positions: [N, A, 3] in Å.

    Returns:
        [N, W] float64, exact enough for finite differences.
    """
    values = torch.empty(len(positions), layout.width, dtype=torch.float64)
    plan, chunk = plan_of(layout, torch.float64), _frames_at_once(layout)
    for first in range(0, len(positions), chunk):
        rows = slice(first, first + chunk)
        values[rows], _ = evaluate(plan, torch.tensor(positions[rows], dtype=torch.float64))
    return values


def bytes_per_frame(layout: Layout) -> int:
    """Memory that one described frame takes (its Jacobian, float32)."""
    return 4 * layout.width * (3 * len(layout.numbers) + 1)


def _frames_at_once(layout: Layout) -> int:
    return max(1, min(64, _CHUNK_BYTES // bytes_per_frame(layout)))


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
