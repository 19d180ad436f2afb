"""Whether groups of both label files are the same trajectories: cheap frames of test groups are left out by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.labels.matching import match_geometries

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


def trajectory_notes(accurate: LabelSet, cheap: LabelSet, test_groups: tuple[int, ...] | None) -> list[str]:
    """Say what is left out because of its group number, where geometries of both files do not tell that this is right.

    Args:
        accurate: all accurate labels.
        cheap: all cheap frames.
        test_groups: groups that are the test set; None: the test set is not made of groups.
    """
    if test_groups is None or accurate.group is None or cheap.group is None:
        return []
    ours, theirs = match_geometries(accurate, cheap)
    group, other = accurate.group[ours], cheap.group[theirs]
    tested = np.isin(group, test_groups) | np.isin(other, test_groups)
    wrong = np.flatnonzero(tested & (group != other))
    left_out = int(np.isin(cheap.group, test_groups).sum())
    if len(wrong):
        first = int(wrong[0])
        evidence = (
            f"but frame {accurate.frame_id[ours[first]]} of {accurate.level} is in group {group[first]} and the same "
            f"geometry of {cheap.level} in group {other[first]} ({len(wrong)} such frames)"
        )
    elif left_out and not tested.any():
        evidence = "and no geometry of both files tells that these are the same trajectories"
    else:
        return []
    return [
        f"note: {left_out:,} {cheap.level} frames are left out because their group number is that of a test group, "
        f"{evidence}: if group numbers of the two files are not the same trajectories, leave group_key out of "
        "data.cheap, and test frames are told by geometry only"
    ]
