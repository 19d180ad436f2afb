"""What is shown without a terminal: one line a minute, and what it says."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

import sweeps.progress
from asteroid.units import force_unit_in_ev_ang
from study.engine.progress import Progress
from sweeps.progress import PlainLines, make_display, progress_line, progress_table

if TYPE_CHECKING:
    import pytest

KCAL = force_unit_in_ev_ang("kcal/mol/Å")
SOME = Progress(
    activity="finetune: 8 models on ccsd_t/cc-pvdz",
    stages_done=10,
    stages_total=18,
    stages_kept=0,
    steps_done=100,
    steps_total=400,
    elapsed_s=50.0,
    best_val_ev_ang={"identify": 2 * KCAL, "pretrain": 0.1 * KCAL, "finetune": 0.5 * KCAL},
    stages_shared=8,
    core_s=1800.0,
    trials_done=4,
    trials_total=18,
    best_trial_ev_ang=0.75 * KCAL,
)


def display() -> tuple[PlainLines, io.StringIO]:
    said = io.StringIO()
    made = make_display(Console(file=said, width=40))
    assert isinstance(made, PlainLines), "no terminal"
    return made, said


def test_the_line_says_everything() -> None:
    assert progress_line(SOME) == (
        "10/18 stages | 4/18 trials, best 0.750 kcal/mol/Å | best validation 0.500 kcal/mol/Å | 8 shared | "
        "0.5 core-hours | finetune: 8 models on ccsd_t/cc-pvdz | about 2:30 min left"
    )
    assert "0.5 core-hours" in str(progress_table(SOME).caption)


def test_what_is_not_there_is_not_said() -> None:
    bare = Progress("describing frames", stages_done=0, stages_total=18, stages_kept=0)
    assert progress_line(bare) == "0/18 stages | describing frames"
    assert "best" not in progress_line(replace(bare, best_val_ev_ang={"finetune": float("inf")}))


def test_one_line_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(sweeps.progress.time, "monotonic", lambda: now)
    made, said = display()
    for second in range(601):
        now = 1000.0 + second
        made.show(replace(SOME, stages_done=second // 40))
    assert said.getvalue().count("\n") == 11, "at the start, then every minute"
    made.show(replace(SOME, stages_done=18))
    made.show(replace(SOME, stages_done=18))
    assert said.getvalue().count("\n") == 12, "the last stage is always told, once"


def test_a_line_comes_even_if_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps.progress, "_LINE_EVERY_S", 0.05)
    made, said = display()
    with made:
        made.show(SOME)
        until = time.monotonic() + 10
        while said.getvalue().count("\n") < 3 and time.monotonic() < until:
            time.sleep(0.01)
    assert said.getvalue().count("\n") >= 3
    after = said.getvalue()
    time.sleep(0.2)
    assert said.getvalue() == after, "silent when it is over"
