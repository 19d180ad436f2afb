"""The one table of strategies: what each buys, trains, may vary, and how it is shown. Plain data, without torch.

A new strategy is one entry. Nobody else tests a strategy's name: what must be known of one is asked of its entry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from asteroid.stages.kinds import STAGE_KINDS
from study.counts import CheapPurchase, LowerLevels

if TYPE_CHECKING:
    from asteroid.stages.kinds import KindTraits, StageKind
    from study.counts import Counts


@dataclass(frozen=True)
class Link:
    """A stage of a chain; it continues, weights by, or adds to the one before.

    Attributes:
        kind: what the stage does.
        weighted: it is trained with the weights exp(-bias/gamma) that the stage before estimates.
        on_cheap_method: it learns what the cheap labels at the same geometries leave of its own.
        on_intermediate: its labels are those of the level between the cheap and the accurate one.
        tuned: whether a search may vary its settings.
    """

    kind: StageKind
    weighted: bool = False
    on_cheap_method: bool = False
    on_intermediate: bool = False
    tuned: bool = True

    @property
    def traits(self) -> KindTraits:
        """What holds for all stages of this kind."""
        return STAGE_KINDS[self.kind]

    @property
    def trains_on(self) -> Literal["accurate", "intermediate", "cheap"]:
        """Level of its training and validation frames."""
        return "intermediate" if self.on_intermediate else self.traits.trains_on


@dataclass(frozen=True)
class Strategy:
    """A way from labels to a force field.

    Attributes:
        slug: name in sweep files and tables.
        name: for legends and sentences.
        short: for the foot of a bar, at most two short lines.
        colour: hexadecimal, distinct from the others for readers with any of the three colour-vision deficiencies.
        marker: of matplotlib, distinct from the others.
        chain: its stages, first to last; the last one's model is what it yields.
        unweighted_twin: slug of the strategy that it is without bias weights (gamma infinite), and that it is judged
            against; None where nothing is weighted.
        surface: its place on the surface of both kinds of labels (`analysis.surface`), whose strategies train the same
            network: `scratch` on accurate labels alone, `assisted` by cheap frames; None: not on it.
        baseline: savings are counted against it; there is one.
        drafted_with: the cheap frames, or the accurate labels, with which a first study tries it, where all that it
            needs is there.
    """

    slug: str
    name: str
    short: str
    colour: str
    marker: str
    chain: tuple[Link, ...] = ()
    unweighted_twin: str | None = None
    surface: Literal["scratch", "assisted"] | None = None
    baseline: bool = False
    drafted_with: frozenset[Literal["labelled", "unlabelled", "energies alone"]] = frozenset()

    @property
    def name_inside(self) -> str:
        """The name inside a sentence: "accurate labels only"."""
        return self.name if self.name[1:2].isupper() else self.name[:1].lower() + self.name[1:]

    @property
    def kinds(self) -> tuple[StageKind, ...]:
        """Kinds of its stages, first to last."""
        return tuple(link.kind for link in self.chain)

    @property
    def weighted(self) -> bool:
        """Whether the bias-weight temperature gamma_rel is one of its axes."""
        return any(link.weighted for link in self.chain)

    @property
    def buys_accurate(self) -> bool:
        """Whether it uses accurate labels at all; without any, nothing but the test set fixes its zero of energy."""
        return any(link.trains_on == "accurate" for link in self.chain)

    @property
    def cheap(self) -> CheapPurchase:
        """What it buys of its cheap level; without a chain, labelled frames."""
        if not self.chain:
            return CheapPurchase(frames=True, labels=True, labels_at_accurate=False)
        on_cheap = [link.traits for link in self.chain if link.trains_on == "cheap"]
        return CheapPurchase(bool(on_cheap), any(traits.labelled for traits in on_cheap), self.runs_cheap_method)

    def counts(self, budget: int, lower: LowerLevels) -> Counts:
        """What a run with `budget` accurate labels and those of lower levels buys."""
        return self.cheap.counts(budget, lower)

    @property
    def has_intermediate_axis(self) -> bool:
        """Whether the number of labels of a level between the cheap and the accurate one is one of its axes."""
        return any(link.on_intermediate for link in self.chain)

    @property
    def uses_cheap(self) -> bool:
        """Whether anything of a cheap level enters it."""
        return self.has_cheap_axis or self.runs_cheap_method

    @property
    def has_cheap_axis(self) -> bool:
        """Whether n_cheap is one of its axes."""
        return self.cheap.frames

    @property
    def learns_from_sampling(self) -> bool:
        """Whether it learns from how often geometries occur, which needs their temperature and their price."""
        return any(not link.traits.labelled for link in self.chain)

    @property
    def runs_cheap_method(self) -> bool:
        """Whether every prediction needs a run of the cheap method itself."""
        return any(link.on_cheap_method for link in self.chain)

    @property
    def needs_forces(self) -> bool:
        """Whether it cannot learn from accurate labels that are energies alone."""
        return any(link.traits.needs_forces for link in self.chain)

    @property
    def finetunes(self) -> bool:
        """Whether it has one row for each fine-tune schedule."""
        return "finetune" in self.kinds

    @property
    def one_composition(self) -> bool:
        """Whether all its frames must be of one molecule: a kernel compares frames atom by atom."""
        return "kernel" in self.kinds

    def at_gamma(self, gamma_rel: float) -> Strategy:
        """The strategy whose chain is trained at a temperature: at infinity, the unweighted twin's."""
        if self.unweighted_twin is not None and math.isinf(gamma_rel):
            return STRATEGIES[self.unweighted_twin]
        return self


_IDENTIFY, _PRETRAIN, _SCORE_MATCH = Link("identify"), Link("pretrain"), Link("score_match")
_FINETUNE, _RESIDUAL, _KERNEL = Link("finetune"), Link("residual"), Link("kernel")
_CLIMB = Link("finetune", on_intermediate=True)

#: In order of their demands, simplest first: the order of rows and legends, and of preference among equal prices.
STRATEGIES: dict[str, Strategy] = {
    entry.slug: entry
    for entry in (
        Strategy(
            "cheap_only",
            name="Cheap labels only",
            short="Cheap\nonly",
            colour="#6b6b6b",
            marker="D",
            chain=(replace(_PRETRAIN, tuned=False),),  # no accurate label to judge a setting by
        ),
        Strategy(
            "accurate_only",
            name="Accurate labels only",
            short="Accurate\nonly",
            colour="#0173b2",
            marker="o",
            chain=(_IDENTIFY,),
            surface="scratch",
            baseline=True,
            drafted_with=frozenset({"labelled", "unlabelled"}),
        ),
        Strategy("gdml", name="sGDML", short="sGDML", colour="#5b1a8b", marker="X", chain=(_KERNEL,)),
        Strategy(
            "pretrain_finetune",
            name="Pretraining + fine-tuning",
            short="Pretrain +\nfine-tune",
            colour="#de8f05",
            marker="s",
            chain=(_PRETRAIN, _FINETUNE),
            surface="assisted",
            drafted_with=frozenset({"labelled"}),
        ),
        Strategy(
            "asteroid",
            name="ASTEROID",
            short="ASTEROID",
            colour="#029e73",
            marker="^",
            # The first stage is that of accurate_only and searched there; here gamma is what matters.
            chain=(replace(_IDENTIFY, tuned=False), replace(_PRETRAIN, weighted=True), _FINETUNE),
            unweighted_twin="pretrain_finetune",
            surface="assisted",
        ),
        Strategy(
            "asteroid_unlabelled",
            name="ASTEROID, unlabelled",
            short="ASTEROID\nunlabelled",
            colour="#8fd9c8",
            marker="v",
            chain=(_SCORE_MATCH, _FINETUNE),
            surface="assisted",
            drafted_with=frozenset({"unlabelled"}),
        ),
        Strategy(
            "residual",
            name="Pretraining + residual net",
            short="Pretrain +\nresidual",
            colour="#c04a00",
            marker="P",
            chain=(_PRETRAIN, _RESIDUAL),
            surface="assisted",
            drafted_with=frozenset({"labelled"}),
        ),
        Strategy(
            "network_delta",
            name="Delta-learning with a network",
            short="Delta\nnetwork",
            colour="#6600ee",
            marker=">",
            chain=(replace(_RESIDUAL, on_cheap_method=True),),
            drafted_with=frozenset({"energies alone"}),
        ),
        Strategy(
            "gdml_residual",
            name="Pretraining + sGDML residual",
            short="Pretrain +\nsGDML",
            colour="#cc78bc",
            marker="p",
            chain=(_PRETRAIN, _KERNEL),
        ),
        Strategy(
            "gdml_delta",
            name="Delta-learning with sGDML",
            short="Delta\nsGDML",
            colour="#000000",
            marker="<",
            chain=(replace(_KERNEL, on_cheap_method=True),),
            drafted_with=frozenset({"labelled"}),
        ),
        Strategy(
            "ladder_finetune",
            name="Ladder, fine-tuned twice",
            short="Ladder\nfine-tune",
            colour="#d13cee",
            marker="*",
            chain=(_PRETRAIN, _CLIMB, _FINETUNE),
        ),
        Strategy(
            "ladder_asteroid",
            name="Ladder, ASTEROID",
            short="Ladder\nASTEROID",
            colour="#5af59e",
            marker="8",
            # The bias of the cheap labels is that against the intermediate level, of which there are more labels.
            chain=(
                Link("identify", on_intermediate=True, tuned=False),
                replace(_PRETRAIN, weighted=True),
                _CLIMB,
                _FINETUNE,
            ),
            unweighted_twin="ladder_finetune",
        ),
        Strategy(
            "ladder_residual",
            name="Ladder + residual net",
            short="Ladder\nresidual",
            colour="#78073c",
            marker="d",
            chain=(_PRETRAIN, _CLIMB, _RESIDUAL),
        ),
        Strategy(
            "ladder_delta",
            name="Ladder, sGDML twice",
            short="Ladder\ndelta",
            colour="#ebc864",
            marker="H",
            chain=(
                replace(_KERNEL, on_cheap_method=True, on_intermediate=True),
                replace(_KERNEL, on_cheap_method=True),
            ),
        ),
    )
}


def strategy_of(slug: str) -> Strategy:
    """The entry of a strategy; one without a chain for a group of somebody's table that is not listed.

    Of the latter nothing is known but its name: its cheap frames count as sampled and labelled.
    """
    return STRATEGIES.get(slug) or Strategy(slug, slug.replace("_", " "), slug.replace("_", "\n", 1), "#ca9161", "h")


def rank_of(slug: str) -> int:
    """Place in the table; strategies that are not listed come last."""
    return list(STRATEGIES).index(slug) if slug in STRATEGIES else len(STRATEGIES)


def baseline() -> Strategy:
    """The strategy that savings are counted against."""
    return next(entry for entry in STRATEGIES.values() if entry.baseline)
