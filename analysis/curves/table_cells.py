"""Cells that are no plain numbers: a mean with its standard deviation is taken apart, everything else is named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asteroid.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
#: 0.31 ± 0.03 as texts, LaTeX and programs write it.
_PLUS_MINUS = re.compile(rf"\$?\s*({_NUMBER})\s*\$?\s*(?:±|\+/-|\+-|\\pm|\\textpm)\s*\$?\s*({_NUMBER})\s*\$?")
#: 0.31(3), which gives its last digits, and 0.31(0.03).
_CONCISE = re.compile(r"([-+]?\d+(?:\.(\d*))?)\((\d+)\)")
_BRACKETS = re.compile(rf"({_NUMBER})\s*\((\d*\.\d+)\)")
#: What else stands in such cells, and what to do about it.
_OTHERS = (
    (re.compile(r".*%"), "without a per cent sign (numbers of labels as numbers, errors in one unit)"),
    (re.compile(r"[<>≤≥~≈].*"), "exactly, or leave the row out: a bound is no error"),
    (re.compile(rf"{_NUMBER}\s*[\[(].*[,;–].*[\])]"), "with the ends of its interval in columns of their own"),
    (re.compile(r"[-+]?[1-9]\d{0,2}(?:[ ,.'’_\u00a0\u2009\u202f]\d{3})+"), "without marks of thousands"),
    (re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?"), "with a point, as others of this column are written"),
    (re.compile(r"[-+]?\d.*[ \u00a0].*[A-Za-zÅ%°]"), "without its unit, which the name of the column may have"),
)


def spreads(cells: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Numbers and their standard deviations where every cell has both, as in 0.31 ± 0.03, 0.31(3) or 0.31 (0.03).

    Args:
        cells: a column, shape [n].

    Returns:
        (numbers, standard deviations), both of shape [n]; None where a cell has another form.
    """
    texts = [str(cell) for cell in cells]
    if not any("." in text for text in texts):
        texts = [text.replace(",", ".") for text in texts]
    found = [_number_and_spread(text) for text in texts]
    pairs = [pair for pair in found if pair is not None]
    if not pairs or len(pairs) < len(found):
        return None
    numbers, deviations = np.array(pairs, dtype=np.float64).T
    return numbers, deviations


def with_spreads(
    frame: pd.DataFrame, y: str, sd: str | None, n_runs: str | None, seed: str | None, said: list[str]
) -> tuple[pd.DataFrame, str | None]:
    """A table whose errors are written as 0.31 ± 0.03 with numbers alone, and the column that has the other half then.

    Raises:
        InputError: nothing tells over how many runs.
    """
    found = None if pd.api.types.is_numeric_dtype(frame[y]) else spreads(frame[y])
    if found is None:
        return frame, sd
    numbers, deviations = found
    if n_runs is None and seed is None:
        raise InputError(
            f"a mean with its standard deviation needs the number of runs behind it, found {frame[y].iloc[0]} in "
            f"column {y!r} and no such column: name it by --n-runs, or write the means alone"
        )
    frame = frame.assign(**{y: numbers})
    if n_runs is None or sd is not None:
        why = "of every run its own error counts" if n_runs is None else f"standard deviations are those of {sd!r}"
        said.append(f"what stands behind the numbers of column {y!r} is left aside: {why}")
        return frame, sd
    said.append(f"column {y!r} read as means with standard deviations over runs")
    name = f"standard deviation in {y}"
    return frame.assign(**{name: deviations}), name


def how_to_write(cell: object) -> str:
    """What to do about a cell that is no number."""
    if pd.isna(cell):  # type: ignore[call-overload]
        return "fill it in or leave it out"
    text = str(cell).strip()
    said = next((remedy for form, remedy in _OTHERS if form.fullmatch(text)), None)
    if said is None and _number_and_spread(text) is not None:
        said = "like the others of this column: all with a standard deviation, or none"
    return "correct this row or leave it out" if said is None else f"write it {said}"


def _number_and_spread(text: str) -> tuple[float, float] | None:
    text = text.strip()
    for form in (_PLUS_MINUS, _BRACKETS):
        if match := form.fullmatch(text):
            return float(match[1]), float(match[2])
    if match := _CONCISE.fullmatch(text):
        return float(match[1]), int(match[3]) * 10.0 ** -len(match[2] or "")
    return None
