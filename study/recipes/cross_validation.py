"""Cross-validation inside owned labels: chains that are trained without some, and the frames that score them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asteroid.labels.splits import fewest_for_folds
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.stages.stage import Frames, StageSpec
    from study.config.label_files import CrossValidationSection
    from study.counts import LowerLevels
    from study.recipes.chains import ChainBuilder
    from study.recipes.settings import Settings

#: Folds of the division that tells the slope: its models are trained on half of the labels.
SLOPE_FOLDS = 2


@dataclass(frozen=True)
class Fold:
    """A chain trained without some of the bought labels, and those labels."""

    chain: tuple[StageSpec, ...]
    score: Frames


@dataclass(frozen=True)
class Division:
    """The owned labels divided into folds; each is scored once, by a chain that never saw it.

    Attributes:
        n_folds: parts; 1 where the chain sees no accurate label and is scored on all.
        split: which division into so many folds, from 0.
        owned: the labels in the order of purchase.
        folds: the chains, with the labels that each is scored on.
    """

    n_folds: int
    split: int
    owned: Frames
    folds: tuple[Fold, ...]

    @property
    def stages(self) -> list[StageSpec]:
        """All its stages, fold by fold."""
        return [spec for fold in self.folds for spec in fold.chain]


def out_of_fold_chains(
    builder: ChainBuilder,
    strategy: str,
    settings: Settings,
    n_labels: int,
    n_folds: int,
    split: int = 0,
    *,
    lower: LowerLevels,
    seed: int,
) -> Division:
    """One division of the first labels of a seed's order, with the chains to train.

    Args:
        builder: makes the chains.
        strategy: the strategy.
        settings: its settings.
        n_labels: accurate labels owned.
        n_folds: parts; where the strategy trains on no accurate label, its one chain is scored on all.
        split: which division.
        lower: what is bought of the levels below the accurate one.
        seed: of the order of purchase, the weights and the batches.

    Raises:
        InputError: there are not so many labels or cheap frames, or too few labels for the folds.
    """
    owned = builder.owned(n_labels, seed)
    if not STRATEGIES[strategy].buys_accurate:
        chain = builder.chain(strategy, settings, None, lower, seed, owned)
        return Division(1, 0, owned, (Fold(chain, owned),))
    folds = tuple(
        Fold(builder.chain(strategy, settings, parts, lower, seed, score), score)
        for parts, score in builder.folds(n_labels, seed, n_folds, split)
    )
    return Division(n_folds, split, owned, folds)


def divisions_of(
    builder: ChainBuilder,
    strategy: str,
    settings: Settings,
    n_labels: int,
    section: CrossValidationSection,
    *,
    lower: LowerLevels,
    seed: int,
) -> tuple[Division, ...]:
    """All divisions that measure one row: into the most folds that fit, and into two for the slope where they fit.

    Raises:
        InputError: as `out_of_fold_chains`.
    """
    counts = [min(section.folds, n_labels)] if STRATEGIES[strategy].buys_accurate else [1]
    if counts[0] > SLOPE_FOLDS and n_labels >= fewest_for_folds(SLOPE_FOLDS):
        counts.append(SLOPE_FOLDS)
    return tuple(
        out_of_fold_chains(builder, strategy, settings, n_labels, n_folds, split, lower=lower, seed=seed)
        for n_folds in counts
        for split in range(section.splits if n_folds > 1 else 1)
    )
