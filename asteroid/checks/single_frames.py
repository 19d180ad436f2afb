"""Single frames that are broken among sound ones: found before the set is judged, named, with the likely cause.

A set's averages blame the set for what one frame has, or do not see it. Here each frame is held against the others:
its geometry, the size of its forces, the net force and torque that are left over, and springs fitted to the set
(`asteroid.checks.springs`, of small molecules also `coupled_springs`), which know the sign and size of forces and the
energy from the geometry. The stiffness of bonds (`bond_stiffness`) needs no other frames.

Measured by `benchmarks/planted_faults.py`: fourteen faults in 40 frames of each of twelve real sets, and these sets
themselves and thinnings of them, which have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from scipy.spatial import cKDTree

from asteroid.checks.bond_stiffness import bond_stiffness
from asteroid.checks.coupled_springs import fit_coupled_springs
from asteroid.checks.plausibility import COLLISION_ANG, ENERGY_SPREAD_EV, FORCE_MAX_EV_ANG, shortest_distances
from asteroid.checks.rigid_motion import rigid_motion, unusual_motion
from asteroid.checks.springs import fit_springs
from asteroid.errors import InputError
from asteroid.labels.compositions import FRAMES_SHOWN, by_composition, frame_name, listed
from asteroid.labels.molecules import as_one_molecule, split_molecules
from asteroid.plural import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.checks.springs import SpringFit
    from asteroid.labels.label_set import BoolArray, FloatArray, IntArray, LabelSet

#: More than this share of a set is the set's fault, and the checks of sets have a message for it.
SHARE_OF_SET = 0.2
#: No frame of one molecule is wider, in Å; what is, overflows sooner or later.
EXTENT_MAX_ANG = 1e4
#: An atom whose nearest neighbour is further than this many sums of covalent radii has left the molecule: 5 Å and more.
GONE_RATIO = 5.0
#: ... unless the median frame has it as far (complexes of noble gases).
_USUAL_RATIO = 2.0
#: Springs miss 40 % of any sound frame; forces of another frame leave about 100 %, negated ones 200 %.
MISFIT_MAX = 0.7
#: Frames from which springs are fitted.
_FRAMES_MIN = 12
#: Energies further than this from those of the springs are broken, and than so many times what these usually miss.
ENERGY_OFF_EV, ENERGY_OFF_TIMES = 2.0, 12.0
#: The same for coupled springs, which miss at most .13 eV of any frame.
_COUPLED_OFF_EV, _COUPLED_OFF_TIMES = 0.5, 20.0
#: Forces contradict coupled springs that miss them by so many times what they miss of any frame within the limit.
_APART = 1.4
#: Forces that point where coupled springs say (cosine), and are no other unit's, are those of their frame: a quadratic
#: form is off by as much where a molecule swings far out (NH2 at 500 K: .99 and 1.55 times, CH2 1.00 and 1.78 times).
_SAME_DIRECTION = 0.95

#: Up to so many atoms all pairs are as quick as a tree; frames looked at together.
_DENSE_ATOMS, _BLOCK = 40, 256

_NEGATIVE, _ALIKE, _OTHER_SCALE = -0.5, 0.6, 2.0


@dataclass(frozen=True)
class BrokenFrame:
    """A frame that cannot be right, and why.

    Attributes:
        row: its row in the set.
        what: which rule it breaks and what was found, to be read behind "frame 7 of labels.xyz".
        cause: the likely cause.
    """

    row: int
    what: str
    cause: str


def broken_frames(labels: LabelSet) -> tuple[BrokenFrame, ...]:
    """Single frames that are broken, by row; none where so many are that the set is to blame.

    Args:
        labels: finite positions, and energies and forces where there are any, of one molecule or of several.
    """
    found: dict[int, BrokenFrame] = {}
    _add(found, _fallen_apart(labels), len(labels))
    _add(found, _colliding(labels), len(labels))
    if labels.energy is not None:
        _add(found, _energies_far_off(labels), len(labels))
    if labels.forces is not None and labels.energy is not None:
        _add(found, _too_large_forces(labels), len(labels))
        _add(found, _unbalanced(labels, found), len(labels))
        _add(found, _against_springs(labels, found), len(labels))
        _add(found, _impossibly_stiff(labels), len(labels))
    return tuple(found[row] for row in sorted(found))


def refuse_broken_frames(labels: LabelSet, source: str, *, remedy: str = "") -> None:
    """Refuse a set with broken frames; the message names the first, its cause and the others.

    Args:
        labels: as in `broken_frames`.
        source: a name for the message.
        remedy: what to do; empty: remove or relabel, or leave them out or believe them by `outliers`.

    Raises:
        InputError: there is such a frame.
    """
    _refuse(labels, broken_frames(labels), source, remedy)


def refuse_broken_geometries(labels: LabelSet, source: str, *, remedy: str = "") -> None:
    """Refuse frames whose positions cannot be right, whatever their labels; arguments as in `refuse_broken_frames`.

    Raises:
        InputError: there is such a frame.
    """
    found: dict[int, BrokenFrame] = {}
    _add(found, _fallen_apart(labels), len(labels))
    _refuse(labels, tuple(found.values()), source, remedy)


def _refuse(labels: LabelSet, found: tuple[BrokenFrame, ...], source: str, remedy: str) -> None:
    if not found:
        return
    first, n = found[0], len(found)
    others = ""
    if n > 1:
        names = [frame_name(labels, frame.row) for frame in found]
        others = f" ({n} such frames: {listed(names, n)})" if n <= FRAMES_SHOWN else f" ({n} such: {listed(names, n)})"
    raise InputError(
        f"frame {frame_name(labels, first.row)} of {source} {first.what}{others}, {first.cause}: "
        + (
            remedy
            or f"correct or remove {'it' if n == 1 else 'them'}, or set outliers: drop, or outliers: keep if sound"
        )
    )


def drop_broken_frames(labels: LabelSet) -> tuple[LabelSet, tuple[BrokenFrame, ...]]:
    """Leave broken frames out.

    Returns:
        (labels without them, the frames that were left out, with rows of the set given).
    """
    found = broken_frames(labels)
    return without_frames(labels, found), found


def without_frames(labels: LabelSet, broken: tuple[BrokenFrame, ...]) -> LabelSet:
    """The other frames."""
    if not broken:
        return labels
    keep = np.ones(len(labels), dtype=np.bool_)
    keep[[frame.row for frame in broken]] = False
    return as_one_molecule(labels.select(keep))


def dropped_notes(labels: LabelSet, dropped: tuple[BrokenFrame, ...]) -> tuple[str, ...]:
    """Say which frames of a set were left out, and why the first of them; nothing where there are none."""
    if not dropped:
        return ()
    return (_noted(labels, dropped, "left out"),)


def kept_notes(labels: LabelSet, kept: tuple[BrokenFrame, ...]) -> tuple[str, ...]:
    """Say which frames of a set look broken and were kept all the same; nothing where there are none."""
    return (_noted(labels, kept, "kept"),) if kept else ()


def _noted(labels: LabelSet, frames: tuple[BrokenFrame, ...], what_became: str) -> str:
    n, first = len(frames), frames[0]
    names = listed([frame_name(labels, frame.row) for frame in frames], n)
    why = f"frame {frame_name(labels, first.row)} {first.what}, {first.cause}"
    return f"{n} outlying {plural(n, 'frame')} {what_became} ({names}): {why}"


def _add(found: dict[int, BrokenFrame], more: Mapping[int, BrokenFrame], n: int) -> None:
    """Add what a check found, unless that is too much to be a matter of single frames."""
    if len(more) <= max(1.0, SHARE_OF_SET * n) and (n > 1 or not more):
        for row, frame in more.items():
            found.setdefault(row, frame)


def _fallen_apart(labels: LabelSet) -> dict[int, BrokenFrame]:
    """Frames with an atom that has left the molecule."""
    found = {}
    for molecule in split_molecules(labels):
        numbers, positions = molecule.labels.numbers, molecule.labels.positions
        if len(numbers) < 2:
            continue
        middle = np.median(positions, axis=1, keepdims=True)
        wide = np.abs(positions - middle).max(axis=(1, 2)) > EXTENT_MAX_ANG
        ratio, usual = np.zeros(positions.shape[:2]), np.zeros(len(numbers))
        near = np.flatnonzero(~wide)
        ratio[near] = _neighbour_ratios(positions[near], numbers)
        if len(near):
            usual = np.median(ratio[near], axis=0)
        gone = (ratio > GONE_RATIO) & (usual < _USUAL_RATIO)
        for row in np.flatnonzero(wide | gone.any(axis=1)):
            away = np.linalg.norm(np.clip(positions[row] - middle[row], -1e150, 1e150), axis=1)
            atom = int(np.argmax(away)) if wide[row] else int(np.argmax(np.where(gone[row], ratio[row], 0.0)))
            others = np.delete(positions[row], atom, axis=0)
            distance = np.linalg.norm(np.clip(others - positions[row, atom], -1e150, 1e150), axis=1).min()
            at = int(molecule.rows[row])
            found[at] = BrokenFrame(
                at,
                f"must be one molecule, found atom {atom} ({chemical_symbols[numbers[atom]]}) {distance:.3g} Å from "
                "its nearest neighbour",
                "a wrong coordinate or a molecule that fell apart",
            )
    return found


def _colliding(labels: LabelSet) -> dict[int, BrokenFrame]:
    """Frames with two nuclei in one place."""
    closest = shortest_distances(labels)[0]
    what = f"must have nuclei {COLLISION_ANG} Å apart, found {{:.3g}} Å"
    rows = np.flatnonzero(closest < COLLISION_ANG).tolist()
    return {row: BrokenFrame(row, what.format(closest[row]), "a wrong coordinate") for row in rows}


def _neighbour_ratios(positions: FloatArray, numbers: IntArray) -> FloatArray:
    """Of every atom the distance to the nearest over their covalent radii, shape [N, A]."""
    radii, n_atoms = covalent_radii[numbers], len(numbers)
    out = np.empty(positions.shape[:2])
    if n_atoms > _DENSE_ATOMS:
        for row, frame in enumerate(positions):
            found = cKDTree(frame).query(frame, k=2)
            out[row] = np.asarray(found[0])[:, 1] / (radii + radii[np.asarray(found[1])[:, 1]])
        return out
    atoms = np.arange(n_atoms)
    for at in range(0, len(positions), _BLOCK):
        block = positions[at : at + _BLOCK]
        squared = np.square(block[:, :, None] - block[:, None]).sum(axis=3)
        squared[:, atoms, atoms] = np.inf
        nearest = squared.argmin(axis=2)
        shortest = np.sqrt(np.take_along_axis(squared, nearest[:, :, None], axis=2)[:, :, 0])
        out[at : at + _BLOCK] = shortest / (radii + radii[nearest])
    return out


def _too_large_forces(labels: LabelSet) -> dict[int, BrokenFrame]:
    assert labels.forces is not None
    size = np.abs(labels.forces).max(axis=(1, 2))
    found = {}
    for row in np.flatnonzero(size > FORCE_MAX_EV_ANG):
        atom = int(np.abs(labels.forces[row]).max(axis=1).argmax())
        found[int(row)] = BrokenFrame(
            int(row),
            f"must have forces below {FORCE_MAX_EV_ANG:g} eV/Å, found {size[row]:.3g} eV/Å at atom {atom}",
            "a wrong number or another unit",
        )
    return found


def _energies_far_off(labels: LabelSet) -> dict[int, BrokenFrame]:
    """Energies that no frame of the molecule can have."""
    assert labels.energy is not None
    found = {}
    for composition in by_composition(labels).values():
        off = labels.energy[composition.rows] - np.median(labels.energy[composition.rows])
        for at in np.flatnonzero(np.abs(off) > ENERGY_SPREAD_EV * len(composition.numbers)):
            row = int(composition.rows[at])
            what = f"must have an energy near that of the other frames, found it {off[at]:+.3g} eV off"
            found[row] = BrokenFrame(row, what, "a wrong number or another molecule's")
    return found


def _unbalanced(labels: LabelSet, known: Mapping[int, BrokenFrame]) -> dict[int, BrokenFrame]:
    """Frames whose forces push or turn the molecule, where those of the others do not."""
    assert labels.forces is not None
    keep = np.ones(len(labels), dtype=np.bool_)
    keep[list(known)] = False
    kept = np.flatnonzero(keep)
    motion = rigid_motion(labels.select(keep)) if len(kept) else None
    if motion is None:
        return {}
    found = {}
    for shares, sizes, name, unit in (
        (motion.force_share, motion.force_ev_ang, "add up to zero", "a net force of {:.3g} eV/Å"),
        (motion.torque_share, motion.torque_ev, "do not turn the molecule", "a net torque of {:.3g} eV"),
    ):
        for at in np.flatnonzero(unusual_motion(shares, sizes, float(np.median(shares)))):
            row = int(kept[at])
            if row not in found:
                what = f"must have forces that {name}, found {unit.format(sizes[at])}"
                cause = "numbers of another frame or in another order of atoms, or a wrong one"
                atoms = int(labels.n_atoms[row])
                zero = np.flatnonzero(~labels.forces[row, :atoms].any(axis=1))
                if len(zero):
                    cause = f"the force of atom {zero[0]} is zero, as a constraint leaves it"
                found[row] = BrokenFrame(row, f"{what} ({shares[at]:.0%} of their size)", cause)
    return found


def _against_springs(labels: LabelSet, known: Mapping[int, BrokenFrame]) -> dict[int, BrokenFrame]:
    """Frames whose forces or energy contradict their geometry."""
    found: dict[int, BrokenFrame] = {}
    sound = np.ones(len(labels), dtype=np.bool_)
    sound[list(known)] = False
    for molecule in split_molecules(labels):
        own = sound[molecule.rows]
        if own.sum() < _FRAMES_MIN or len(molecule.labels.numbers) < 2:
            continue
        fit = fit_springs(molecule.labels, own, MISFIT_MAX)
        if fit is None:
            continue
        here = {int(molecule.rows[at]): (int(at), fit) for at in np.flatnonzero((fit.misfit > MISFIT_MAX) & own)}
        own &= fit.misfit <= MISFIT_MAX
        off_ev = np.where(_energies_off(fit, own, ENERGY_OFF_EV, ENERGY_OFF_TIMES), fit.energy_off_ev, 0.0)
        coupled = fit_coupled_springs(molecule.labels, own, fit.applies)
        if coupled is not None:
            wrong = (coupled.misfit > 1.0) & own
            # Misfits of a soft molecule have a long tail, of which one in thousands may lie just beyond the limit.
            wrong &= coupled.misfit > _APART * np.max(coupled.misfit, initial=0.0, where=own & ~wrong)
            wrong &= ~_as_springs_say(coupled)
            here |= {int(molecule.rows[at]): (int(at), coupled) for at in np.flatnonzero(wrong)}
            off = _energies_off(coupled, own & ~wrong, _COUPLED_OFF_EV, _COUPLED_OFF_TIMES)
            off_ev[off] = coupled.energy_off_ev[off]
        energies = np.flatnonzero(off_ev)
        if len(here) <= max(1.0, SHARE_OF_SET * len(own)):
            found |= {row: _wrong_force(row, *where) for row, where in here.items()}
        if len(energies) <= max(1.0, SHARE_OF_SET * len(own)):
            for at in energies:
                row = int(molecule.rows[at])
                found[row] = BrokenFrame(
                    row,
                    f"must have an energy that fits its geometry, found it {off_ev[at]:+.3g} eV off",
                    "a wrong number or another frame's",
                )
    return found


def _as_springs_say(fit: SpringFit) -> BoolArray:
    of_a_size = (fit.scale > 1 / _OTHER_SCALE) & (fit.scale < _OTHER_SCALE)
    return np.asarray((fit.alike > _SAME_DIRECTION) & of_a_size)


def _energies_off(fit: SpringFit, judged: BoolArray, least_ev: float, times: float) -> BoolArray:
    judged = judged & fit.applies
    if not judged.any():
        return judged
    usual = 1.4826 * float(np.median(np.abs(fit.energy_off_ev[judged])))
    off: BoolArray = judged & (np.abs(fit.energy_off_ev) > max(least_ev, times * usual))
    return off


def _impossibly_stiff(labels: LabelSet) -> dict[int, BrokenFrame]:
    """Frames whose forces along bonds no molecule has."""
    stiffness = bond_stiffness(labels)
    if stiffness is None or stiffness.is_impossible:
        return {}
    found = {}
    off = np.zeros(len(labels), dtype=np.bool_)
    off[stiffness.odd_frames()] = True
    for composition in by_composition(labels).values():
        rows = composition.rows[off[composition.rows]].tolist()
        for row in rows if len(rows) <= max(1.0, SHARE_OF_SET * len(composition.rows)) else ():
            times = stiffness.of_frame[row]
            what = f"must have forces as large as bonds make them, found bonds {times:.2g} times as stiff as such are"
            found[row] = BrokenFrame(row, what, "the wrong sign" if times < 0 else "probably in another unit")
    return found


def _wrong_force(row: int, at: int, fit: SpringFit) -> BrokenFrame:
    scale, alike = float(fit.scale[at]), float(fit.alike[at])
    if alike < _NEGATIVE:
        return BrokenFrame(
            row,
            "must have forces that point down the energy, found them against those of like geometries",
            "probably with the wrong sign",
        )
    if alike > _ALIKE and not 1 / _OTHER_SCALE < scale < _OTHER_SCALE:
        return BrokenFrame(
            row,
            f"must have forces of the size of its neighbours', found them {scale:.3g} times as large as its geometry "
            "makes them",
            "probably in another unit",
        )
    return BrokenFrame(
        row,
        "must have forces that fit its geometry, found them unlike those of like geometries",
        "probably another frame's or atoms in another order",
    )
