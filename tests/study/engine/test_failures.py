"""Failed attempts: made again a few times, then the end; some errors end the run at once."""

from __future__ import annotations

import pytest
from tiny_packs import quick

from asteroid.errors import InputError
from study.engine.executors import PackFailedError
from study.engine.failures import ATTEMPTS, FailureLog


def test_the_last_attempt_ends_the_run_and_success_counts_anew() -> None:
    notes: list[str] = []
    log, pack, other = FailureLog(notes.append), quick(1), quick(2)
    for _ in range(ATTEMPTS - 1):
        log.allow_retry(pack, ValueError("a\nlong story"))
    log.allow_retry(other, ValueError("its own"))
    log.forget_attempts(pack)
    for _ in range(ATTEMPTS - 1):
        log.allow_retry(pack, ValueError("again"))
    with pytest.raises(PackFailedError, match=f"failed {ATTEMPTS} times, the last time with KeyError: 'x'"):
        log.allow_retry(pack, KeyError("x"))
    assert len(log.failures) == 2 * ATTEMPTS
    assert notes[0] == "a pack (identify, 1 models) failed and is trained again: ValueError: a long story"
    assert log.failures[0].first_stage == pack.specs[0].key
    assert "a\nlong story" in log.failures[0].traceback


@pytest.mark.parametrize("error", [InputError("too large"), KeyboardInterrupt()])
def test_what_would_only_be_raised_again_is_no_failure(error: BaseException) -> None:
    log = FailureLog(lambda _: None)
    with pytest.raises(type(error)):
        log.allow_retry(quick(1), error)
    assert log.failures == []


def test_where_the_executor_gave_up_nobody_tries_again() -> None:
    log = FailureLog(lambda _: None)
    with pytest.raises(PackFailedError, match="no worker is left"):
        log.allow_retry(quick(1), PackFailedError("no worker is left"))
    log.note_retry(quick(1), "a worker died")
    assert [failure.reason for failure in log.failures] == ["PackFailedError: no worker is left", "a worker died"]
