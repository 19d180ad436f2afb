"""Times of dynamics on the command line."""

from __future__ import annotations

import re

from asteroid.errors import InputError

_FS = {"fs": 1.0, "ps": 1e3, "ns": 1e6}


def parse_fs(text: str, option: str) -> float:
    """Read a time such as "10fs" or "3 ps" and return fs.

    Raises:
        InputError: no number or no unit.
    """
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(fs|ps|ns)\s*", text)
    if match is None:
        raise InputError(f"{option} is a time in fs, ps or ns, found {text!r}: write for instance 10fs")
    return float(match[1]) * _FS[match[2]]


def whole_steps(text: str, option: str, step_fs: float, *, least: int = 1) -> int:
    """A time as a number of time steps.

    Args:
        text: the time.
        option: its name in messages.
        step_fs: the time step.
        least: steps that it must have.

    Raises:
        InputError: it is none, no whole number of steps, or too short.
    """
    if not step_fs > 0:
        raise InputError(f"--timestep must be positive, found {step_fs:g} fs: for instance 0.5fs")
    time_fs = parse_fs(text, option)
    steps = round(time_fs / step_fs)
    if abs(steps * step_fs - time_fs) > 1e-6 * step_fs:
        raise InputError(
            f"{option} must be a whole number of time steps of {step_fs:g} fs, found {time_fs:g} fs: change one"
        )
    if steps < least:
        raise InputError(f"{option} must be positive, found {text!r}: for instance 10fs")
    return steps
