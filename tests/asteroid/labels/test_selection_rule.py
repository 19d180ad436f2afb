"""Labels chosen among chosen geometries."""

from __future__ import annotations

from asteroid.labels.selection_rule import combined_rule


def test_spread_out_geometries_give_spread_out_labels() -> None:
    assert combined_rule("farthest", "all") == combined_rule("farthest", "random") == "farthest"
    assert combined_rule(None, "farthest") == combined_rule("random", "farthest") == "farthest"
    assert combined_rule("random", "all") == "random"
    assert combined_rule("all", "random") == combined_rule(None, "random") == "random"
    assert combined_rule(None, "all") == combined_rule("all", "all") == "all"
