"""What label files tell of the study that suits them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError, UndeclaredError
from asteroid.io.electrons import charge_and_spin
from asteroid.labelling.paired_labels import compare_method
from asteroid.labels.atom_order import refuse_other_molecule
from asteroid.labels.charge_and_spin import CLOSED_SHELL, ChargeAndSpin
from asteroid.labels.matching import match_geometries
from study.config.label_files import LabelFile
from study.data.card_prices import fill_from_card
from study.data.label_sources import load_file
from study.data.live_method import live_method

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet


@dataclass(frozen=True)
class Facts:
    """What a draft depends on.

    Attributes:
        n_atoms: of the largest molecule.
        varied: whether there are several molecules.
        n_accurate: accurate labels at hand; 0 where there are none.
        groups: number of accurate labels of each group (replica, time block); empty without groups.
        n_cheap: cheap frames whose geometry has no accurate label.
        cheap_of_group: of these, by group, where both files have groups.
        unlabelled: whether the cheap frames have no labels.
        paired: whether the cheap file has a label at every accurate geometry.
        accurate_level: slug; "" where nothing is known of it.
        cheap_level: slug.
        temperature_k: of the sampling of the cheap frames, where their card states it.
        cheap_cpu_s: price of a cheap label.
        cheap_named: the cheap level, where the user names it.
        energies_alone: whether accurate labels have no forces.
        electrons: charge and spin of the molecule.
        cheap_differs: how labels of the cheap level that are computed here differ from the file's, which another
            program may have made; None where they do not, or are not needed.
    """

    n_atoms: int
    varied: bool
    n_accurate: int
    groups: dict[int, int]
    n_cheap: int
    cheap_of_group: dict[int, int]
    unlabelled: bool
    paired: bool
    accurate_level: str
    cheap_level: str
    temperature_k: float | None
    cheap_cpu_s: float = 0.0
    cheap_named: str | None = None
    energies_alone: bool = False
    electrons: ChargeAndSpin = CLOSED_SHELL
    cheap_differs: str | None = None

    @property
    def cheap_known(self) -> bool:
        """Whether cheap labels are known, or can be computed here, wherever accurate ones are."""
        live = live_method(self.cheap_level, self.cheap_cpu_s, self.cheap_named, self.electrons)
        return self.paired or (live.method is not None and self.cheap_differs is None)


def undeclared(given: LabelFile) -> dict[str, str]:
    """What its user has to say of a label file: all that reading it asks for, one after the other.

    Args:
        given: the file with what is said of it already.

    Returns:
        keys of a label file in a sweep file, each with a value for example, that of another file perhaps; empty where
        nothing is missing, or the file has another fault, which reading it will name.
    """
    wanted: dict[str, str] = {}
    while True:
        try:
            load_file(fill_from_card(given), {})
        except UndeclaredError as error:
            if wanted.keys() & error.wanted.keys():
                return wanted
            wanted |= error.wanted
            given = LabelFile.model_validate({**given.model_dump(exclude_unset=True), **error.wanted})
        except InputError:
            return wanted
        else:
            return wanted


def look_at(
    accurate: LabelFile | None, cheap: LabelFile, electrons: ChargeAndSpin | None = None
) -> tuple[Facts, LabelSet]:
    """Read label files as a study would.

    Args:
        accurate: the accurate labels, where there are any.
        cheap: the cheap frames.
        electrons: charge and spin of the molecule, where the user says it; None: what the files state, else a neutral
            closed shell.

    Returns:
        what they tell, and the cheap frames.

    Raises:
        InputError: a file cannot be read, lacks a unit, level or price, or a guard refuses it.
    """
    priced = fill_from_card(cheap)
    loaded = load_file(priced, {})
    pool = loaded.labels
    owned: LabelSet | None = None
    stated = [loaded.electrons]
    if accurate is not None:
        own = load_file(fill_from_card(accurate), {})
        owned = own.labels
        stated.append(own.electrons)
        refuse_other_molecule(pool, owned)
    free = np.ones(len(pool), dtype=np.bool_)
    n_paired = 0
    if owned is not None:
        of_accurate, of_cheap = match_geometries(owned, pool)
        free[of_cheap] = False
        n_paired = len(np.unique(of_accurate))
    paired = owned is not None and n_paired == len(owned)
    electrons = electrons or charge_and_spin(stated) or CLOSED_SHELL
    live = live_method(pool.level, loaded.price.label_cpu_s, cheap.level, electrons)
    compared = live.method is not None and not paired and not pool.varied
    both = owned is not None and owned.group is not None and pool.group is not None
    return (
        Facts(
            n_atoms=int(pool.n_atoms.max()),
            varied=pool.varied or (owned is not None and owned.varied),
            n_accurate=0 if owned is None else len(owned),
            groups={} if owned is None else _counts(owned.group),
            n_cheap=int(free.sum()),
            cheap_of_group=_counts(pool.group[free]) if both and pool.group is not None else {},
            unlabelled=cheap.unlabelled,
            paired=paired,
            accurate_level="" if owned is None else owned.level,
            cheap_level=pool.level,
            temperature_k=priced.given.temperature_k,
            cheap_cpu_s=loaded.price.label_cpu_s,
            cheap_named=cheap.level,
            energies_alone=accurate is not None and accurate.forces == "none",
            electrons=electrons,
            cheap_differs=compare_method(pool, live.method).difference if compared and live.method else None,
        ),
        pool,
    )


def _counts(groups: np.ndarray | None) -> dict[int, int]:
    if groups is None:
        return {}
    values, counts = np.unique(groups, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))
