"""Totals of a run as its listener sees them."""

from __future__ import annotations

import math

import pytest

from study.engine.progress import Progress, ProgressCounter


def counter() -> tuple[ProgressCounter, list[Progress]]:
    seen: list[Progress] = []
    return ProgressCounter(seen.append), seen


def test_stages_are_counted_by_kind_with_the_lowest_error() -> None:
    progress, seen = counter()
    for kind in ("identify", "identify", "score_match"):
        progress.count_stage(kind)
    progress.count_finished("identify", 0.4)
    progress.count_finished("score_match", math.nan)
    progress.announce("training")
    assert (seen[-1].stages_done, seen[-1].stages_total) == (2, 3)
    assert seen[-1].done_by_kind == {"identify": (1, 2), "score_match": (1, 1)}
    assert seen[-1].best_val_ev_ang == {"identify": 0.4}, "score matching has no force labels to miss"


def test_steps_of_a_pack_count_while_it_trains_and_not_twice() -> None:
    progress, seen = counter()
    progress.add_steps(100)
    progress.set_in_training("a", 30)
    progress.set_in_training("b", 10)
    progress.announce("training")
    progress.end_training("a", 60)
    progress.end_training("b", 0)
    progress.add_steps(-40)
    progress.announce("training")
    assert [(p.steps_done, p.steps_total) for p in seen] == [(40, 100), (60, 60)]
    assert seen[-1].left_s == 0.0


def test_time_left_is_told_once_steps_are_done() -> None:
    assert Progress("", 0, 0, 0, steps_total=9, elapsed_s=3.0).left_s is None
    assert Progress("", 0, 0, 0, steps_done=2, steps_total=8, elapsed_s=3.0).left_s == pytest.approx(9.0)


def test_trials_are_announced_at_once() -> None:
    progress, seen = counter()
    progress.count_trials(3, 8, 0.25)
    assert (seen[0].activity, seen[0].trials_done, seen[0].trials_total) == ("searching", 3, 8)
    assert seen[0].best_trial_ev_ang == 0.25
