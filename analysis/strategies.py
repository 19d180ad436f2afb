"""The one table of strategies: their order, their names for people, their colours and markers in every figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Strategy:
    """How a strategy of the results table is shown.

    Attributes:
        name: for legends and sentences.
        short: for the foot of a bar, at most two short lines.
        colour: hexadecimal, distinct from the others for readers with any of the three colour-vision deficiencies.
        marker: of matplotlib, distinct from the others.
        runs_cheap_method: whether every prediction needs a run of the cheap method itself.
    """

    name: str
    short: str
    colour: str
    marker: str
    runs_cheap_method: bool = False


#: In order of their demands, simplest first: the order of legends, and of preference among equal prices.
STRATEGIES = {
    "cheap_only": Strategy("Cheap labels only", "Cheap\nonly", "#6b6b6b", "D"),
    "accurate_only": Strategy("Accurate labels only", "Accurate\nonly", "#0173b2", "o"),
    "gdml": Strategy("sGDML", "sGDML", "#5b1a8b", "X"),
    "pretrain_finetune": Strategy("Pretraining + fine-tuning", "Pretrain +\nfine-tune", "#de8f05", "s"),
    "asteroid": Strategy("ASTEROID", "ASTEROID", "#029e73", "^"),
    "asteroid_unlabelled": Strategy("ASTEROID, unlabelled", "ASTEROID\nunlabelled", "#8fd9c8", "v"),
    "residual": Strategy("Pretraining + residual net", "Pretrain +\nresidual", "#c04a00", "P"),
    "gdml_residual": Strategy("Pretraining + sGDML residual", "Pretrain +\nsGDML", "#cc78bc", "p"),
    "gdml_delta": Strategy("Delta-learning with sGDML", "Delta\nsGDML", "#000000", "<", runs_cheap_method=True),
}


def strategy_of(slug: str) -> Strategy:
    """The entry of a strategy; one for a strategy (or a group of somebody's table) that is not listed."""
    return STRATEGIES.get(slug) or Strategy(slug.replace("_", " "), slug.replace("_", "\n", 1), "#ca9161", "h")


def rank_of(slug: str) -> int:
    """Place in the table; strategies that are not listed come last."""
    return list(STRATEGIES).index(slug) if slug in STRATEGIES else len(STRATEGIES)
