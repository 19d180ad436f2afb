"""Caveats of a whole run because of how its labels were chosen, read off the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.caveats import Caveat, those_that_hold
from asteroid.errors import InputError
from study.files import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


#: Fewer test labels than this are too few for the errors to be taken at their word.
FEW_TEST_LABELS = 30


def selection_caveats(manifest: Mapping[str, Any]) -> tuple[Caveat, ...]:
    """Name the caveats that follow from the choice of labels.

    A power law in the number of labels is one of random subsets. Subsets of a farthest-point set are spread more
    evenly than new random labels would be, and a test set from it weighs rare frames more than a simulation does.
    Errors on molecules of which no label can be bought, or of only some of those that are bought, are not the errors
    of the molecules that labels are bought of.

    Args:
        manifest: of a run; older ones say nothing of the selection.

    Returns:
        of `few_test_labels`, `calm_test_draw`, `wild_test_draw`, `farthest_labels`, `farthest_test`, `farthest_cheap`,
        `unseen_molecules` and `untested_molecules` those that hold.
    """
    card = manifest.get("data_card")
    rules, roles, draw = (
        found if isinstance(card, dict) and isinstance(found := card.get(key), dict) else {}
        for key in ("selection_rules", "molecules_by_role", "test_draw")
    )
    tested, bought = ({*found} if isinstance(found := roles.get(role), dict) else set() for role in ("test", "pool"))
    accurate = rules.get(manifest.get("level_accurate")) == "farthest"
    n_test = manifest.get("n_test")
    conditions = {
        Caveat.FEW_TEST_LABELS: isinstance(n_test, int) and 0 < n_test < FEW_TEST_LABELS,
        Caveat.CALM_TEST_DRAW: draw.get("verdict") == "calm",
        Caveat.WILD_TEST_DRAW: draw.get("verdict") == "wild",
        Caveat.FARTHEST_LABELS: accurate,
        Caveat.FARTHEST_TEST: accurate and bool(manifest.get("n_test")),
        Caveat.FARTHEST_CHEAP: rules.get(manifest.get("level_cheap")) == "farthest",
        Caveat.UNSEEN_MOLECULES: bool(tested - bought),
        Caveat.UNTESTED_MOLECULES: bool(tested) and bool(bought - tested),
    }
    return those_that_hold(conditions)


def caveats_beside(table: Path) -> tuple[Caveat, ...]:
    """The same for a table that lies in a run folder; none for anybody else's."""
    try:
        return selection_caveats(read_json(table.with_name("manifest.json"), ""))
    except (OSError, InputError):
        return ()
