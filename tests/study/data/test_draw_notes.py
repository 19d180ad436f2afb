from __future__ import annotations

import numpy as np
import pytest

from study.data.draw_notes import draw_json, draw_lines


def controls(n: int, energy: float, force: float) -> np.ndarray:
    """Controls of n frames with these means."""
    values = np.random.default_rng(0).normal(size=(n, 2))
    return values - values.mean(axis=0) + [energy, force]


@pytest.mark.parametrize(
    ("n", "energy", "force", "verdict", "word"),
    [
        (16, -0.6, -0.3, "calm", "calmer"),
        (16, 0.1, 0.7, "wild", "wilder"),
        (16, 0.2, -0.2, "", "as calm as"),
        (900, 0.1, 0.1, "", "as calm as"),  # z = 3, but a tenth of a frame's spread
    ],
)
def test_a_draw_is_told_where_it_is_certain_and_matters(
    n: int, energy: float, force: float, verdict: str, word: str
) -> None:
    given = controls(n, energy, force)
    found = draw_json(given)["test_draw"]
    assert found["verdict"] == verdict
    assert found["n"] == n
    assert found["z"] == pytest.approx({"energy": energy * n**0.5, "mean force": force * n**0.5})
    (line,) = draw_lines(given, "gfn2-xtb")
    assert word in line
    assert f"energy z = {energy * n**0.5:+.1f}" in line
    assert line.startswith("note: ") == bool(verdict)


def test_nothing_known_nothing_said() -> None:
    assert draw_lines(None, "gfn2-xtb") == []
    assert draw_json(None) == {}
