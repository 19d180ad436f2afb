"""What a purchase chooses from: geometries in the order in which they are bought, and cheap frames to pretrain on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.labels.charge_and_spin import CLOSED_SHELL
from study.recipes.lower_levels import BelowLevel

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import LabelSet
    from study.prices import PriceList


@dataclass(frozen=True, eq=False)
class CheapFrames:
    """A level whose frames are there in full.

    Attributes:
        pool: frames to pretrain on; no candidate is among them.
        at: its labels at the candidates, where they are known.
        at_hidden: its labels at the hidden ones, likewise.
        temperature_k: of the sampling, where it is declared.
    """

    pool: LabelSet
    at: LabelSet | None
    at_hidden: LabelSet | None
    temperature_k: float | None

    @property
    def level(self) -> str:
        """The level."""
        return self.pool.level


@dataclass(frozen=True, eq=False)
class Intermediate:
    """Labels of the level between of a ladder, which are bought as they are needed.

    Attributes:
        frames: geometries in the order of purchase, without labels; none of them is a candidate or hidden.
        known: labels of them all, where a file has them; None: they are computed.
        cheap_at: labels of the cheapest level at them, where a strategy needs these.
    """

    frames: LabelSet
    known: LabelSet | None
    cheap_at: LabelSet | None

    @property
    def level(self) -> str:
        """The level."""
        return self.frames.level


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a purchase chooses from; the same in every round.

    Attributes:
        frames: geometries in the order of purchase, without labels; owned ones first.
        owned: labels of the first of them that are there already; energies and forces as `frames` is ordered.
        replay: labels of all `frames` where they are taken from a file, else None.
        hidden: labels that a replay keeps to judge the model by; empty elsewhere.
        cheap: levels below whose frames are there in full; of a ladder the cheapest.
        intermediate: the level between of a ladder; None: there is none.
        balanced: whether every beginning of `frames` is balanced along its cheap energies; not where labels were owned.
        prices: price of each level.
        descriptors: how the molecule is described; None where no model needs it.
        card: the data card as lines.
        notes: what the reader of a certificate must know of the labels, as sentences.
        electrons: charge and spin of the molecule.
    """

    frames: LabelSet
    owned: LabelSet
    replay: LabelSet | None
    hidden: LabelSet
    cheap: tuple[CheapFrames, ...]
    intermediate: Intermediate | None
    balanced: bool
    prices: PriceList
    descriptors: DescriptorSettings | None
    card: tuple[str, ...]
    notes: tuple[str, ...]
    electrons: ChargeAndSpin = CLOSED_SHELL

    @property
    def n_atoms(self) -> int:
        """Atoms of the molecule."""
        return int(self.frames.positions.shape[1])

    @property
    def cheap_at(self) -> LabelSet | None:
        """Labels of the first cheap level at the candidates: what draws, guards and controls go by."""
        return self.cheap[0].at

    @property
    def intermediate_level(self) -> str:
        """The level between of a ladder; empty without one."""
        return "" if self.intermediate is None else self.intermediate.level

    @property
    def below(self) -> tuple[BelowLevel, ...]:
        """The levels below the accurate one, of a ladder the cheapest first."""
        between = () if self.intermediate is None else (BelowLevel(self.intermediate.level, is_paired=False),)
        return (*(BelowLevel(own.level, own.at is not None) for own in self.cheap), *between)

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels, the accurate one first."""
        return (self.frames.level, *(own.level for own in self.below))
