"""What verdicts say of the contenders."""

from __future__ import annotations

from study.buying.decision import Standing, Verdict

VERDICT = Verdict(
    "buy",
    20,
    (Standing("b", 0.3, 0.2, 0.4, 0.8, True), Standing("a", 0.5, 0.4, 0.6, 0.1, False)),
    ("because",),
)


def test_the_first_is_the_best_and_those_that_race_are_trained_again() -> None:
    assert VERDICT.best.name == "b"
    assert VERDICT.racing == ("b",)
