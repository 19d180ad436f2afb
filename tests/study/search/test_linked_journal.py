"""A journal that is damaged anywhere is refused with the line and the remedy; sound ones of any release go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from asteroid.errors import InputError
from study.search.journal import JOURNAL, ask_trial, open_journal, open_study

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    study = open_study(open_journal(tmp_path, lambda _: None), "s", {"a": 1}, 1, 0)
    for index in range(4):
        trial = ask_trial(study, index, 0, lambda t: {"x": t.suggest_float("x", 0.0, 1.0)})
        study.tell(trial, 0.25)
    return tmp_path / JOURNAL


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_study(open_journal(path.parent, lambda _: None), "s", {"a": 1}, 1, 0)
    return str(caught.value)


def test_every_change_of_every_line_shows(journal: Path) -> None:
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    for at in range(len(lines) - 1):
        for changed in (
            [*lines[:at], *lines[at + 1 :]],
            [*lines[: at + 1], lines[at], *lines[at + 1 :]],
            [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]],
            [*lines[:at], b"\n", *lines[at:]],
            [*lines[:at], lines[at].replace(b"0", b"1", 1), *lines[at + 1 :]],
            [*lines[:at], lines[at][:10] + b"\n", *lines[at + 1 :]],
        ):
            if b"".join(changed) == whole:
                continue
            journal.write_bytes(b"".join(changed))
            message = refused(journal)
            assert "is damaged in line" in message
            assert "move it away" in message
            assert "finished stages are not trained again" in message


def test_journals_of_earlier_releases_go_on(journal: Path) -> None:
    logs = [json.loads(line) for line in journal.read_bytes().splitlines()]
    for log in logs:
        del log["link"]
    journal.write_text("".join(json.dumps(log) + "\n" for log in logs))
    study = open_study(open_journal(journal.parent, lambda _: None), "s", {"a": 1}, 1, 0)
    assert len(study.get_trials()) == 4
    ask_trial(study, 4, 0, lambda t: {"x": t.suggest_float("x", 0.0, 1.0)})
    open_journal(journal.parent, lambda _: None)
    del logs[4]
    journal.write_text("".join(json.dumps(log) + "\n" for log in logs))
    assert "cannot be replayed" in refused(journal) or "lacks lines" in refused(journal)


def test_a_link_in_its_place_is_refused(journal: Path) -> None:
    victim = journal.with_name("victim")
    journal.rename(victim)
    journal.symlink_to(victim)
    assert "found a link" in refused(journal)
