from __future__ import annotations

from asteroid.stages.kinds import NETWORK_KINDS, STAGE_KINDS


def test_every_kind_says_what_it_trains_on() -> None:
    assert set(STAGE_KINDS) == {*NETWORK_KINDS, "kernel"}
    on_cheap = {kind for kind, traits in STAGE_KINDS.items() if traits.trains_on == "cheap"}
    assert on_cheap == {"pretrain", "score_match"}
    assert {kind for kind, traits in STAGE_KINDS.items() if not traits.labelled} == {"score_match"}
