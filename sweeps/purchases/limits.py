"""The limit of a purchase, in labels or in time."""

from __future__ import annotations

import math

from asteroid.errors import InputError


def parse_most(text: str | None) -> tuple[int | None, float | None]:
    """A limit: labels ("200"), or CPU time ("20h").

    Returns:
        (labels, CPU seconds), one of them None; both where there is no limit.

    Raises:
        InputError: it is neither.
    """
    from asteroid.units import parse_seconds

    if text is None:
        return None, None
    digits = text.strip().removesuffix("labels").strip().replace(",", "")
    if digits.isdigit():
        return int(digits), None
    try:
        seconds = parse_seconds(text)
    except InputError as error:
        raise InputError(f"--most is a number of labels or a time, found {text!r}: write 200 or 20h") from error
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"--most is more than nothing, found {text!r}: write 200 or 20h")
    return None, seconds
