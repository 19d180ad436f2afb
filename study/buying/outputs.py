"""Outputs of other programs: read, and matched with the geometries that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.io.electrons import charge_and_spin
from asteroid.io.read import read_labels
from asteroid.labelling.labeller import Failure, Label
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.labels.label_set import LabelSet
from asteroid.labels.matching import kabsch, match_geometries, superpose
from asteroid.units import LENGTH_IN_ANG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asteroid.io.declaration import Declaration
    from asteroid.io.read import LoadedLabels
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import FloatArray
    from study.buying.batch import Outcome

#: Programs print four to ten decimals: distances of three decimals are still told apart from those of other frames.
_TOL_ANG = 2e-3
#: What may be left of a geometry's outline once it is laid onto the one that was asked for.
_RMSD_ANG = 5e-3


@dataclass(frozen=True, eq=False)
class Found:
    """What the outputs of a batch hold.

    Attributes:
        outcomes: by place in the batch: labels, and failures of outputs that hold none.
        unused: names of outputs that could not be read and whose geometry is not known, or that hold a geometry other
            than the one they are named after, with the reason.
    """

    outcomes: dict[int, Outcome]
    unused: tuple[tuple[str, str], ...]


def read_outputs(
    files: Sequence[Path],
    asked: LabelSet,
    names: Sequence[str],
    declared: Declaration,
    electrons: ChargeAndSpin = CLOSED_SHELL,
) -> Found:
    """Read output files and find the geometry that each frame in them belongs to.

    The program may have turned or moved the molecule, or listed like atoms in another order: forces are turned back. A
    file whose name begins with that of a geometry and that holds no label is a failure of that geometry.

    Args:
        files: of any format of `asteroid.io.formats`, one or several frames each.
        asked: the geometries of the batch.
        names: of the geometries; an output's name begins with one of them where it is of one geometry.
        declared: level, units and keys.
        electrons: charge and spin that were asked for.

    Raises:
        InputError: an output states another charge or spin, a frame is of another molecule or of a geometry that was
            not asked for (the nearest one is named), or two frames of one geometry disagree.
    """
    outcomes: dict[int, Outcome] = {}
    unused = []
    for path in files:
        place = _named_place(path, names)
        try:
            loaded = read_labels(path, declared)
            labels = loaded.labels
            _require_numbers(labels)
        except InputError as error:
            reason = _reason(error)
            if place is None:
                unused.append((path.name, reason))
            else:
                outcomes.setdefault(place, Failure(f"no label in {path.name} ({reason})", 0.0))
            continue
        _refuse_other_electrons(loaded, electrons, path.name)
        matched = _matched(labels, asked, names, path.name)
        if place is not None and place not in matched:
            unused.append((path.name, f"it holds the geometry of {', '.join(names[at] for at in matched)}"))
        for at, label in matched.items():
            known = outcomes.get(at)
            if isinstance(known, Label) and abs(known.energy_ev - label.energy_ev) > 1e-6:
                raise InputError(
                    f"{names[at]} has two energies that differ by {abs(known.energy_ev - label.energy_ev):.2g} eV, the "
                    f"second in {path.name}: remove one of the outputs"
                )
            outcomes[at] = label
    return Found(outcomes, tuple(unused))


def _refuse_other_electrons(loaded: LoadedLabels, asked: ChargeAndSpin, source: str) -> None:
    """Refuse the output of another charge or spin: its labels may look sound, and are those of another molecule.

    Raises:
        InputError: it states one.
    """
    stated = charge_and_spin([loaded.electrons])
    if stated is not None and stated != asked:
        raise InputError(
            f"{source} states {stated}, the study file asks for {asked}: correct charge and unpaired beside "
            "its template, or the template itself, and compute it again"
        )


def _reason(error: InputError) -> str:
    """Why an output holds no label; what its reader said, where there is one, not how to write label files."""
    cause = error.__cause__
    return " ".join(str(cause).split()) if cause is not None and str(cause).strip() else str(error)


def _named_place(path: Path, names: Sequence[str]) -> int | None:
    """The geometry that an output is named after: by its own name or that of its folder inside the batch."""
    for i, name in enumerate(names):
        if path.name.split(".")[0] == name or path.parent.name == name:
            return i
    return None


def _require_numbers(labels: LabelSet) -> None:
    """An output of a calculation that did not converge may hold NaN."""
    assert labels.energy is not None
    if not (np.isfinite(labels.energy).all() and (labels.forces is None or np.isfinite(labels.forces).all())):
        raise InputError("energy or forces are NaN or infinite")


def _matched(labels: LabelSet, asked: LabelSet, names: Sequence[str], source: str) -> dict[int, Label]:
    """Labels of one file by place in the batch, forces in the orientation and order of atoms that was asked for.

    Raises:
        InputError: a frame is of another molecule or was not asked for.
    """
    assert labels.energy is not None
    if labels.varied or sorted(labels.numbers.tolist()) != sorted(asked.numbers.tolist()):
        raise InputError(f"{source} must hold the molecule that was asked for, found other atoms: remove the file")
    rows_asked, rows_found = match_geometries(asked, labels, tol_ang=_TOL_ANG)
    not_asked = np.setdiff1d(np.arange(len(labels)), rows_found)
    if len(not_asked):
        raise InputError(_not_asked_for(labels, int(not_asked[0]), asked, names, source))
    laid = superpose(asked, labels, (rows_asked, rows_found))
    found: dict[int, Label] = {}
    # Geometries of a diatomic molecule may be alike: a frame is that of the nearest.
    taken: set[int] = set()
    for pair in np.argsort(laid.rmsd_ang, kind="stable").tolist():
        at, row = int(rows_asked[pair]), int(rows_found[pair])
        if laid.rmsd_ang[pair] > _RMSD_ANG or at in found or row in taken:
            continue
        taken.add(row)
        forces: FloatArray | None = None
        if labels.forces is not None:
            forces = labels.forces[row, laid.atom_order[pair]] @ laid.rotation[pair].T
        cpu_s = 0.0 if labels.cpu_s is None else float(labels.cpu_s[row])
        found[at] = Label(float(labels.energy[row]), forces, cpu_s)
    if not found:
        raise InputError(_not_asked_for(labels, int(rows_found[0]), asked, names, source))
    return found


def _not_asked_for(labels: LabelSet, row: int, asked: LabelSet, names: Sequence[str], source: str) -> str:
    """What to say of a geometry that was not asked for."""
    if match_geometries(asked, _scaled(labels, row, LENGTH_IN_ANG["Bohr"]), tol_ang=_TOL_ANG)[0].size:
        return f"{source} must be in Å, found a geometry that fits in Bohr: add length_unit: Bohr beside outputs"
    if match_geometries(asked, _scaled(labels, row, 1 / LENGTH_IN_ANG["Bohr"]), tol_ang=_TOL_ANG)[0].size:
        return f"{source} is declared to be in Bohr, found a geometry that fits in Å: correct length_unit"
    one = np.repeat(labels.positions[row : row + 1], len(asked), axis=0)
    if np.array_equal(labels.numbers, asked.numbers):
        rmsd = kabsch(asked.positions, one)[1]
        near = int(np.argmin(rmsd))
        how = f"the nearest one, {names[near]}, is {rmsd[near]:.2g} Å away"
    else:
        how = "its atoms come in another order as well"
    return (
        f"{source} must hold geometries that were asked for, found another one in frame {row} ({how}): compute it at "
        "the geometry of its input file, without optimising"
    )


def _scaled(labels: LabelSet, row: int, factor: float) -> LabelSet:
    return LabelSet(labels.numbers, labels.positions[row : row + 1] * factor, None, None, labels.level)
