"""Farthest-point sampling: frames to label that lie far from each other and from those that have labels already.

Each frame is the farthest from all chosen before it (Gonzalez, Theor. Comput. Sci. 38, 293 (1985), whose greedy order
covers a set at most twice as coarsely as the best choice of as many points). The first n frames of a longer order are
the order of n.

A frame is described by its sorted pair distances (`fingerprints.distance_fingerprints`), each in units of its spread
over the frames. They are what the guards against leaks compare, so two frames are as far apart here as the project
thinks them different; they know nothing of place, orientation, mirror image or the order of like atoms, need no bonds
and no cutoff, and cost less than a hundredth of the model's descriptors (22 against 6,100 µs for a frame of aspirin),
whose radial channels are sums of smooth functions of these distances. In units of the spread a stiff bond counts as
much as a soft torsion: in a harmonic molecule displacement over spread goes as the square root of energy over kT.

What is spread out is not a sample: rare and strained frames come first, in numbers that no simulation would show.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.fingerprints import distance_fingerprints
from asteroid.labels.label_set import LabelSet, geometry_hashes
from asteroid.labels.matching import MATCH_TOL_ANG
from asteroid.labels.molecules import refuse_several

if TYPE_CHECKING:
    import numpy.typing as npt

    from asteroid.labels.label_set import IntArray

    Points = npt.NDArray[np.float32]

#: Frames described, and bytes of them compared, at a time.
_FRAMES, _BLOCK_BYTES = 2048, 2**20
#: Neighbours in the sorted list are averaged down to at most so many numbers: 100,000 frames then fit in 400 MB.
_COLUMNS = 1024


def farthest_order(frames: LabelSet, n: int, given: LabelSet | None = None) -> IntArray:
    """Rows of the n frames to label, the first one first.

    Without labelled frames the first is the frame nearest to the mean of all. Ties go to the smaller hash of the
    geometry, so the order of the rows does not matter; copies of a frame that is chosen or labelled come last. The
    unit of every distance is its spread over both sets together: to go on with the frames chosen so far as `given`
    equals a longer order.

    Args:
        frames: geometries to choose from.
        n: how many; each costs one pass over the descriptors of all frames.
        given: frames of the same molecule that are labelled already (their labels are not looked at).

    Returns:
        [n] rows of `frames`, none twice.

    Raises:
        InputError: n is larger than the set or negative, or the labelled frames are of another molecule, or a
            set holds several molecules, whose distances have no common unit.
    """
    for labels in (frames, given):
        if labels is not None:
            refuse_several(
                labels, "farthest-point sampling", "choose the frames of one molecule at a time, or choose at random"
            )
    if not 0 <= n <= len(frames):
        raise InputError(f"farthest-point sampling chooses among {len(frames)} frames, found n = {n}: ask for fewer")
    if given is not None and not np.array_equal(np.sort(given.numbers), np.sort(frames.numbers)):
        raise InputError(
            f"labelled frames must be of the molecule to label, found {len(given.numbers)} and {len(frames.numbers)} "
            "atoms or other elements: give frames of one molecule"
        )
    hashes = geometry_hashes(frames)
    known = [] if given is None else geometry_hashes(given)
    # In the order of the hashes all sums and all ties come out the same, however the rows are ordered.
    place: dict[str, int] = {}
    for row, key in enumerate([*hashes, *known]):
        place.setdefault(key, row)
    keys = sorted(place)
    rows = np.array([place[key] for key in keys], dtype=np.int64)
    points = _points(frames, given, rows)
    taken = set(known)
    labelled = np.array([key in taken for key in keys], dtype=np.bool_)
    available = np.flatnonzero(~labelled)
    chosen = rows[_greedy(points, np.flatnonzero(labelled), min(n, len(available)))]
    if len(chosen) == n:
        return chosen
    first = set(rows[available].tolist())
    copies = sorted((key, row) for row, key in enumerate(hashes) if row not in first)
    return np.concatenate([chosen, np.array([row for _, row in copies], dtype=np.int64)])[:n]


def _points(frames: LabelSet, given: LabelSet | None, rows: IntArray) -> Points:
    """Sorted pair distances over their spread, [len(rows), _COLUMNS or fewer]; rows go on into the labelled frames."""
    width = len(frames.numbers) * (len(frames.numbers) - 1) // 2
    step = -(-width // _COLUMNS) if width else 1
    edges = np.arange(0, width, step)
    sizes = np.diff(edges, append=width)
    points = np.empty((len(rows), len(edges)), dtype=np.float32)
    origin, total, squares = np.zeros(len(edges)), np.zeros(len(edges)), np.zeros(len(edges))
    for start in range(0, len(rows), _FRAMES):
        some = _described(frames, given, rows[start : start + _FRAMES], edges, sizes)
        if start == 0 and len(some):
            origin = some.mean(axis=0)
        some -= origin  # small numbers: nothing is lost to single precision
        points[start : start + _FRAMES] = some
        total += some.sum(axis=0)
        squares += np.square(some).sum(axis=0)
    mean = total / max(1, len(rows))
    spread = np.sqrt(np.maximum(squares / max(1, len(rows)) - mean**2, 0.0))
    points -= mean.astype(np.float32)
    # What varies less than two copies of one geometry may differ tells nothing.
    points /= np.maximum(spread, MATCH_TOL_ANG).astype(np.float32)
    return points


def _described(
    frames: LabelSet, given: LabelSet | None, rows: IntArray, edges: IntArray, sizes: IntArray
) -> npt.NDArray[np.float64]:
    out = np.empty((len(rows), len(edges)))
    for labels, of_set in ((frames, rows < len(frames)), (given, rows >= len(frames))):
        if labels is None or not of_set.any() or not len(edges):
            continue
        own = rows[of_set] if labels is frames else rows[of_set] - len(frames)
        bare = replace(labels.select(own), energy=None, forces=None)
        out[of_set] = np.add.reduceat(distance_fingerprints(bare), edges, axis=1) / sizes
    return out


def _greedy(points: Points, labelled: IntArray, n: int) -> IntArray:
    """Places of the n points to choose next, `labelled` being chosen already; the first of equals."""
    near = np.full(len(points), np.inf, dtype=np.float32)
    for i in labelled.tolist():
        np.minimum(near, _squared_distances(points, points[i]), out=near)
    near[labelled] = -1.0
    chosen = np.empty(n, dtype=np.int64)
    for k in range(n):
        if k == 0 and not len(labelled):  # the points' mean is zero
            i = int(np.argmin(_squared_distances(points, np.zeros(points.shape[1], dtype=np.float32))))
        else:
            i = int(np.argmax(near))
        chosen[k] = i
        np.minimum(near, _squared_distances(points, points[i]), out=near)
        near[i] = -1.0  # never again, also where all that is left is copies
    return chosen


def _squared_distances(points: Points, point: Points) -> Points:
    """[N], by differences: |a|^2 - 2ab + |b|^2 would leave copies at a distance that is rounding."""
    out = np.empty(len(points), dtype=np.float32)
    step = max(1, _BLOCK_BYTES // (4 * max(1, points.shape[1])))
    for start in range(0, len(points), step):
        difference = points[start : start + step] - point
        out[start : start + step] = np.einsum("ij,ij->i", difference, difference)
    return out
