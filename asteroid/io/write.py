"""Labels out: npz and extended XYZ that read back as they were: level, units, groups, frame numbers and times too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.formats import format_to_write
from asteroid.io.sidecar import sidecar_path
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.new_file import new_file

if TYPE_CHECKING:
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule


def write_labels(
    labels: LabelSet,
    path: str | Path,
    *,
    selection_rule: SelectionRule | None = None,
    electrons: ChargeAndSpin = CLOSED_SHELL,
) -> None:
    """Write labels to a file that `asteroid.io.read.read_labels` reads back to the last digit.

    An npz file holds z [A], R [N, A, 3], E [N], F [N, A, 3], index [N], group [N], cpu_s [N] (double precision, as far
    as there are any) and level, e_unit, r_unit. Extended XYZ holds `REF_energy` and `REF_forces` with all digits that
    double precision has, and level, frame_id, group and cpu_s in the comment lines. Units are eV and Å in both, and
    both have `selection_rule` where one is given, and `charge` and `multiplicity` of ions and open shells. The file is
    there complete or not at all.

    A set of several molecules has z [N, A] in an npz file, and zeros in z, R and F behind the atoms of smaller frames;
    each frame of extended XYZ has its own atoms. Where all of its frames are of one molecule, it reads back as a set of
    one molecule.

    Args:
        labels: the frames; energies and forces may be missing, then the file is for `read_geometries`.
        path: a name ending in .npz, .xyz or .extxyz; a file of that name is replaced.
        selection_rule: how the frames were chosen, where that is known.
        electrons: charge and spin of the molecule.

    Raises:
        InputError: another ending, no such folder, or a sidecar of other labels lies beside the name.
    """
    path = Path(path)
    known = format_to_write(path)
    assert known.write is not None
    if not path.parent.is_dir():
        raise InputError(f"labels are written into a folder, found none named {str(path.parent)!r}: make it first")
    sidecar = sidecar_path(path)
    if known.sidecar_states_units and sidecar.exists():
        raise InputError(f"{path.name} would be read by the units in {sidecar.name}: remove it or choose another name")
    with new_file(path) as temporary:
        known.write(labels, temporary, selection_rule, electrons)
