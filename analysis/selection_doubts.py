"""Doubts about a whole run because its labels were not drawn at random, off the manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def selection_doubts(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what farthest-point sampling of the labels puts in doubt: `explain.DOUBTS` has the sentences.

    A power law in the number of labels is one of random subsets. Subsets of a farthest-point set are spread more
    evenly than new random labels would be, and a test set from it weighs rare frames more than a simulation does.

    Args:
        manifest: of a run; older ones say nothing of the selection.

    Returns:
        of `farthest_labels`, `farthest_test` and `farthest_cheap` those that hold.
    """
    card = manifest.get("data_card")
    rules = card.get("selection_rules") if isinstance(card, dict) else None
    if not isinstance(rules, dict):
        return ()
    accurate = rules.get(manifest.get("level_accurate")) == "farthest"
    doubts = {
        "farthest_labels": accurate,
        "farthest_test": accurate and bool(manifest.get("n_test")),
        "farthest_cheap": rules.get(manifest.get("level_cheap")) == "farthest",
    }
    return tuple(name for name, doubtful in doubts.items() if doubtful)


def doubts_beside(table: Path) -> tuple[str, ...]:
    """The same for a table that lies in a run folder; none for anybody else's."""
    try:
        manifest = json.loads(table.with_name("manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return selection_doubts(manifest) if isinstance(manifest, dict) else ()
