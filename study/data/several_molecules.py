"""What a study of several molecules cannot have, and what its user should know of the molecules in each role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from asteroid.labels.atom_order import molecules_without_cheap_frames
from asteroid.labels.molecules import formulas, refuse_several
from asteroid.models.architectures import ARCHITECTURES
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet
    from study.config.sweep import Sweep


def refuse_models_of_one_molecule(sweep: Sweep, *sets: LabelSet) -> None:
    """Several molecules are for models that take frames of any composition.

    Raises:
        InputError: a model or strategy of the sweep needs one composition.
    """
    able = " or ".join(model.architecture for model in ARCHITECTURES if not model.one_composition)
    for labels in sets:
        for model in sweep.architectures:
            if model.one_composition:
                remedy = f"set model: {{architecture: {able}}}, or study one molecule at a time"
                refuse_several(labels, f"architecture {model.architecture}", remedy)
        for strategy in sweep.strategies:
            if STRATEGIES[strategy].one_composition:
                refuse_several(labels, f"strategy {strategy}", "remove it, or study one molecule at a time")


def molecule_notes(sweep: Sweep, test: LabelSet, pool: LabelSet, cheap_pool: LabelSet) -> list[str]:
    """Notes for the data card on the molecules of each role; none where all sets are of one molecule."""
    if not (test.varied or cheap_pool.varied):
        return []
    tested, bought = formulas(test), formulas(pool)
    notes = ["all molecules of a level have one price a label, a mean; larger ones cost more"]
    if unseen := sorted(tested.keys() - bought.keys()):
        notes.append(
            f"test frames of {', '.join(unseen)} have no label in the pool: those errors are of molecules unseen"
        )
    if tested and (untested := sorted(bought.keys() - tested.keys())):
        notes.append(f"labels of {', '.join(untested)} are bought, and no test frame is of them")
    if lacking := molecules_without_cheap_frames(cheap_pool, pool):
        notes.append(f"{cheap_pool.level} has no frames of {', '.join(lacking)}: pretraining never sees them")
    if extra := sorted(formulas(cheap_pool).keys() - bought.keys()):
        notes.append(f"{cheap_pool.level} frames of {', '.join(extra)}: no accurate label is of them")
    unlabelled_elements = sorted({*np.unique(cheap_pool.numbers)} - {*np.unique(pool.numbers)} - {0})
    if unlabelled_elements and any(STRATEGIES[strategy].weighted for strategy in sweep.strategies):
        names = ", ".join(chemical_symbols[number] for number in unlabelled_elements)
        notes.append(
            f"no {pool.level} label has {names}: the bias of {cheap_pool.level} frames that have it is a guess"
        )
    return [f"note: {note}" for note in notes]
