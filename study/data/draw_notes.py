"""Whether the test frames are a calm or a wild draw, for the data card and the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asteroid.labels.draw_controls import CONTROLS, draw_scores

if TYPE_CHECKING:
    from asteroid.labels.label_set import FloatArray

#: A draw is called calm or wild beyond this z-score, and where its mean is off by this share of a frame's spread: of
#: many frames even a slight difference is certain, and matters to nobody.
Z_NOTED, SHIFT_NOTED = 2.0, 0.2


def draw_json(controls: FloatArray | None) -> dict[str, Any]:
    """The draw for the manifest: z-scores, and "calm", "wild" or "" (neither); empty where nothing is known.

    Args:
        controls: [n, 2] from `asteroid.labels.draw_controls.draw_controls`.
    """
    if controls is None:
        return {}
    scores = dict(zip(CONTROLS, draw_scores(controls), strict=True))
    return {"test_draw": {"n": len(controls), "z": scores, "verdict": _verdict(controls)}}


def draw_lines(controls: FloatArray | None, cheap_level: str) -> list[str]:
    """The draw as a line of the data card, with its z-scores; none where nothing is known."""
    if controls is None:
        return []
    scores = ", ".join(f"{name} z = {z:+.1f}" for name, z in zip(CONTROLS, draw_scores(controls), strict=True))
    kind, off = {"calm": ("calmer", "too small"), "wild": ("wilder", "too large")}.get(_verdict(controls), ("", ""))
    if not kind:
        return [f"test frames: as calm as the {cheap_level} frames together ({scores}); what is left is adjusted for"]
    return [
        f"note: the {len(controls)} test frames are {kind} than the {cheap_level} frames together ({scores}): plain "
        f"errors on them are probably {off}, curves are fitted to adjusted ones"
    ]


def _verdict(controls: FloatArray) -> str:
    scores, shifts = draw_scores(controls), controls.mean(axis=0)
    noted = [z for z, shift in zip(scores, shifts, strict=True) if abs(z) >= Z_NOTED and abs(shift) >= SHIFT_NOTED]
    furthest = max(noted, key=abs, default=0.0)
    return "calm" if furthest < 0 else "wild" if furthest > 0 else ""
