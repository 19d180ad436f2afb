"""Notes on forces and energies that fit badly, in all frames, in some molecules, in some groups or in some frames.

None of these is a reason to refuse: what is refused is in `asteroid.checks.inconsistent_forces`.

Measured on 12 real sets (formaldehyde, methanol, ethanol, aspirin; GFN2-xTB, DFT, MP2, CCSD and CCSD(T); 500 to 20,000
frames; four time blocks as groups where the file has none). Not one of them nor of 9,960 random thinnings to 12-600
frames had a note. Of 1,152 sets of two to four atoms on Morse springs, shaken by 10^-4 to .12 Å (5,000 K), one had.

Faults were planted in 60 thinnings each. So many of 100 were noted or refused:

                         wrong sign in    times .529 in    replica    all
                         5   10   20 %    5   10   20 %    flipped    times 1.3
    formaldehyde    30  100  100  100     98  100  100       100       100
    formaldehyde    60  100  100  100    100  100  100       100       100
    formaldehyde   150  100  100  100    100  100  100       100       100
    formaldehyde   300  100  100  100    100  100  100       100       100
    formaldehyde   600  100  100  100     98  100  100       100       100
    formaldehyde  1000  100  100  100    100  100  100       100       100
    methanol        30   90   95  100      0    7   17       100        82
    methanol        60   98  100  100     17   48   80       100       100
    methanol       150  100  100  100     90  100  100       100       100
    methanol       300  100  100  100     98  100  100       100       100
    methanol       600  100  100  100    100  100  100       100       100
    methanol      1000  100  100  100    100  100  100       100       100
    ethanol         30    3    2    3      0    0    0         3         0
    ethanol         60    7   12   22      0    0    0        18        22
    ethanol        150   55   92   98      0    2    0       100        97
    ethanol        300   95  100  100      7    3    5       100       100
    ethanol        600  100  100  100      8   13   42       100       100
    ethanol       1000  100  100  100     12   37   70       100       100
    aspirin         30    0    0    0      0    0    0         0         0
    aspirin         60    0    0    0      0    0    0         2         0
    aspirin        150    3   12    3      0    0    2         5         2
    aspirin        300    8   35   42      0    0    3        35        15
    aspirin        600   57   88  100      7    7   25        75        90
    aspirin       1000   93  100  100     27   40   70       100       100

Forces times 1.3 in a part of the frames show only where frames are very near: in 20 % of 60 frames of formaldehyde
always, of 1,000 of methanol in 88 of 100, of ethanol and aspirin hardly ever. With 10 % of the frames wrong, of the
first five that a note names 80-100 of 100 are wrong in formaldehyde and methanol, 55-95 in ethanol and aspirin; among
10,000 frames and more, of which few have several neighbours, 40-90.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.checks.force_energy import fit_pairs
from asteroid.labels.compositions import FORMULAS_SHOWN, FRAMES_SHOWN, frame_name, listed

if TYPE_CHECKING:
    from asteroid.checks.force_energy import ForceEnergyFit, ForceEnergyFits, PartFit
    from asteroid.labels.label_set import LabelSet

#: Pairs inside a group that judge it alone: with fewer, one of many groups would be off by chance.
GROUP_PAIRS = 20
#: Suspect frames from which three quarters in one group are no chance.
GROUP_SUSPECTS = 8


def force_energy_notes(labels: LabelSet, fits: ForceEnergyFits) -> tuple[str, ...]:
    """Say where forces and energies fit badly, but not as badly as a slip of units in all frames would make them.

    Args:
        labels: the labels.
        fits: from `asteroid.checks.force_energy.fit_molecules`.

    Returns:
        At most one note on the common factor between forces and energies, one on groups and one on single frames.
    """
    return _factor_notes(fits) + _group_notes(labels, fits) + _frame_notes(labels, fits)


def _factor_notes(fits: ForceEnergyFits) -> tuple[str, ...]:
    """On the set as a whole where all of it is off, else on the molecules that are."""
    fitted = [(_names(part), part.fit) for part in fits.parts if part.fit is not None]
    off = [(name, fit) for name, fit in fitted if fit.fits_badly]
    whole = fits.whole if fits.whole is not None and fits.whole.fits_badly else None
    cause = "noisy forces, or energies of another level or cut-off"
    if whole is not None and len(off) in (0, len(fitted)):
        return (f"energy differences are {_times(whole)} times what forces say (1.00 ± 0.03 in sound sets): {cause}",)
    if not off:
        return ()
    more = len(off) - FORMULAS_SHOWN
    others = [f"{name} {_times(fit)}" for name, fit in off[1:FORMULAS_SHOWN]] + ([f"{more} more"] if more > 0 else [])
    also = f"; also {', '.join(others)}" if others else ""
    name, fit = off[0]
    return (
        f"energy differences of {name} are {_times(fit)} times what forces say (1.00 ± 0.03 in sound sets{also}): "
        f"{cause}",
    )


def _group_notes(labels: LabelSet, fits: ForceEnergyFits) -> tuple[str, ...]:
    """On groups that are off, where not all of the set is."""
    if labels.group is None:
        return ()
    found = [pairs for part in fits.parts for pairs in part.pairs]
    ends = np.concatenate([labels.group[pairs.rows] for pairs in found] or [np.empty((0, 2), dtype=np.int64)])
    groups, counts = np.unique(ends[ends[:, 0] == ends[:, 1], 0], return_counts=True)
    alone = []
    for group in groups[counts >= GROUP_PAIRS].tolist():
        inside = [pairs.select((labels.group[pairs.rows] == group).all(axis=1)) for pairs in found]
        if (fit := fit_pairs([pairs for pairs in inside if len(pairs)])) is not None:
            alone.append((group, fit))
    off = [(group, fit) for group, fit in alone if fit.fits_badly]
    if not off or (len(off) == len(alone) and fits.whole is not None and fits.whole.fits_badly):
        return ()
    shown = "".join(f", of group {group} {_times(fit)}" for group, fit in off[1:FRAMES_SHOWN])
    more = f" and {len(off) - FRAMES_SHOWN} more" if len(off) > FRAMES_SHOWN else ""
    group, fit = off[0]
    others = ", other groups fit" if len(off) < len(alone) else ""
    return (
        f"energy differences of group {group} are {_times(fit)} times what forces say{shown}{more}{others}: look "
        "whether sign, unit and level are the same in all groups",
    )


def _frame_notes(labels: LabelSet, fits: ForceEnergyFits) -> tuple[str, ...]:
    """On single frames."""
    found = [part.contradictions for part in fits.parts if part.contradictions is not None]
    if not found:
        return ()
    # The first suspects of every molecule come first.
    turns = [(turn, int(row)) for contradictions in found for turn, row in enumerate(contradictions.rows)]
    rows = [row for _, row in sorted(turns, key=lambda entry: entry[0])]
    names = "frames " if len(rows) > 1 else "frame "
    names += listed([frame_name(labels, row) for row in rows[:FRAMES_SHOWN]], len(rows))
    if labels.group is not None and len(rows) >= GROUP_SUSPECTS:
        groups, counts = np.unique(labels.group[rows], return_counts=True)
        most = int(counts.argmax())
        if counts[most] >= 0.75 * len(rows) and (labels.group == groups[most]).mean() <= 0.5:
            names += f" ({counts[most]} of these {len(rows)} in group {groups[most]})"
    return (
        f"energies and forces contradict each other in {sum(c.contradicting for c in found)} of "
        f"{sum(c.pairs for c in found)} pairs of neighbouring frames: look at {names}, whose "
        "forces or energies may have another sign, unit or level, or be another frame's",
    )


def _names(part: PartFit) -> str:
    names = [composition.formula for composition in part.compositions]
    more = len(names) - FORMULAS_SHOWN
    return ", ".join(names[:FORMULAS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _times(fit: ForceEnergyFit) -> str:
    return f"{fit.ratio:.2f} ± {fit.ratio_error:.2f}"
