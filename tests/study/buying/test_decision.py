"""What verdicts say of the contenders."""

from __future__ import annotations

from dataclasses import replace

from asteroid.measured_errors import Measured
from asteroid.units import KCAL_PER_MOL_EV
from study.buying.decision import Request, Standing, Verdict

VERDICT = Verdict(
    "buy",
    20,
    (Standing("b", 0.3, 0.2, 0.4, 0.8, True), Standing("a", 0.5, 0.4, 0.6, 0.1, False)),
    ("because",),
)


def test_the_first_is_the_best_and_those_that_race_are_trained_again() -> None:
    assert VERDICT.best.name == "b"
    assert VERDICT.racing == ("b",)


def test_a_request_is_said_with_its_units() -> None:
    request = Request(0.3 * KCAL_PER_MOL_EV, 0.9, None, 7200.0, "learnt")
    assert request.in_words() == {
        "target": "0.3 kcal/mol/Å",
        "confidence": "0.9",
        "limit of labels": "none",
        "limit of time": "2 h",
        "prior": "learnt",
    }
    assert replace(request, measured=str(Measured.ENERGIES_PER_ATOM)).in_words()["target"] == "13.0092 meV/atom"
