"""A chain of finished stages, from the store, as one potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asteroid.descriptors.layout import DescriptorSettings, make_layout
from asteroid.errors import InputError
from asteroid.labelling.cheap_methods import cheap_method, why_not
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.stages.kinds import STAGE_KINDS
from asteroid.stages.potential import Potential

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import IntArray
    from asteroid.stages.stage import StageResult
    from study.engine.store import StageStore


@dataclass(frozen=True, eq=False)
class StoredChain:
    """A trained chain.

    Attributes:
        potential: the models whose predictions add up, with the cheap method where one runs.
        cheap_level: that method's level, or None.
        spec: its last stage as plain data.
    """

    potential: Potential
    cheap_level: str | None
    spec: Mapping[str, Any]


def stored_chain(
    store: StageStore, keys: Sequence[str], numbers: IntArray, electrons: ChargeAndSpin = CLOSED_SHELL
) -> StoredChain:
    """Read the stages of a chain.

    Args:
        store: of finished stages.
        keys: of the stages, first to last.
        numbers: atomic numbers [A] of the molecule, or [N, A] of several.
        electrons: charge and spin of the molecule.

    Raises:
        InputError: a stage is missing, damaged or failed, or its cheap method cannot be run here.
    """
    last = _load(store, keys[-1])
    adds = STAGE_KINDS[last.spec["kind"]].adds_to_parent
    terms = [last, *(_load(store, parent) for parent in last.spec["parents"][:1] if adds)]
    level = None if last.spec["base"] is None else str(last.spec["base"]["level"])
    method = None
    if level is not None and (method := cheap_method(level, electrons)) is None:
        raise InputError(f"the model adds to {level}, which runs at every prediction: {why_not(level, electrons)}")
    plain = last.spec["descriptors"]
    layout = None
    if plain is not None:
        sites = None if plain["sites"] is None else tuple(plain["sites"])
        layout = make_layout(numbers, DescriptorSettings(**{**plain, "sites": sites}))
    return StoredChain(Potential(layout, tuple(term.model for term in terms), method), level, last.spec)


def _load(store: StageStore, key: str) -> StageResult:
    try:
        found = store.load(key)
    except KeyError as error:
        raise InputError(
            f"the stage {key} is missing or damaged in {store.root}: repeat the command that trained it"
        ) from error
    if found.status != "ok":
        raise InputError(f"the stage {key} has failed ({found.status}): choose another strategy or number of labels")
    return found
