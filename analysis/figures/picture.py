"""A drawn figure with the words that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn figure.

    Attributes:
        stem: name of its files.
        figure: the picture.
        data: the numbers behind it.
        title: a heading for it.
        caption: one sentence that says how to read it.
        alt: what it shows, for readers who do not see it.
    """

    stem: str
    figure: Figure
    data: pd.DataFrame
    title: str
    caption: str
    alt: str
