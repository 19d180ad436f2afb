"""How figures look and how they are written: one palette, one style, four files, the same bytes every time."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from asteroid.new_file import new_file
from asteroid.plain_text import printable
from study.strategies import strategy_of
from study.tables.csv_files import write_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

#: Width of one column of a journal page, inches.
COLUMN_IN = 3.4
#: Width of two columns, inches.
PAGE_IN = 7.0
#: Height of one curve in a legend.
ENTRY_IN = 0.29

_RC: Any = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "pdf.fonttype": 42,
    "svg.hashsalt": "asteroid-study",
    "savefig.dpi": 300,
    "text.parse_math": False,  # names are the user's: a dollar in them is a dollar
}
_METADATA: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


class Look(NamedTuple):
    """Colour and marker of a strategy."""

    colour: str
    marker: str


#: How the colours of a strategy with several cheap levels differ: (towards, share), in the order of the levels.
_SHADES = (("white", 0.0), ("white", 0.45), ("black", 0.45), ("white", 0.65), ("black", 0.7))


def look_of(strategy: str) -> Look:
    """Colour and marker, safe for the colour-blind; the same in every figure.

    Args:
        strategy: a value of the column that `told_apart_by` names.
    """
    name, _, place = strategy.partition("|")
    entry = strategy_of(name)
    towards, share = _SHADES[int(place or 0) % len(_SHADES)]
    if not share:
        return Look(entry.colour, entry.marker)
    mixed = (1 - share) * np.array(to_rgb(entry.colour)) + share * np.array(to_rgb(towards))
    return Look(to_hex(tuple(mixed.tolist())), entry.marker)


def with_looks(data: pd.DataFrame) -> pd.DataFrame:
    """The numbers of a figure; where they have several cheap levels, with a column `look` that is for `look_of`.

    A look is the strategy with the place of its level among them.
    """
    if "cheap_level" not in data:
        return data
    levels = sorted({level for level in data["cheap_level"].fillna("") if level})
    places = data["cheap_level"].fillna("").map(lambda level: levels.index(level) if level in levels else 0)
    return data.assign(look=data["strategy"] + "|" + places.astype(str))


def with_shades(data: pd.DataFrame, name: str) -> pd.DataFrame:
    """The numbers of a figure with a column `look` that is for `look_of`: a shade for each line of a strategy.

    Args:
        data: has a column `strategy`.
        name: column whose values tell the lines of one strategy apart.
    """
    lines = data.drop_duplicates(["strategy", name])
    places = dict(
        zip(zip(lines["strategy"], lines[name], strict=True), lines.groupby("strategy").cumcount(), strict=True)
    )
    keys = zip(data["strategy"], data[name], strict=True)
    return data.assign(look=[f"{strategy}|{places[strategy, line]}" for strategy, line in keys])


def told_apart_by(data: pd.DataFrame) -> str:
    """The column whose values are for `look_of`."""
    return "look" if "look" in data else "strategy"


@contextmanager
def figure_style() -> Iterator[None]:
    """Set what every figure shares: seaborn's ticks on paper, small type, fonts that editors can read.

    Of names in a script that the font lacks boxes are drawn, without a warning for every letter.
    """
    with (
        mpl.rc_context(),
        sns.axes_style("ticks"),
        sns.plotting_context("paper"),
        mpl.rc_context(_RC),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph")
        yield


def new_figure(*, width_in: float = COLUMN_IN, height_in: float = 4.2) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes that needs no display; the legend below is given its room."""
    with figure_style():
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        return figure, figure.subplots()


def _spell_controls(figure: Figure) -> None:
    """Spell control characters in words of a user's out: with one of them no SVG is well-formed."""
    for words in figure.findobj(Text):
        assert isinstance(words, Text)
        text = words.get_text()
        plain = "\n".join(map(printable, text.split("\n")))
        if plain != text:
            words.set_text(plain)


def svg_of(figure: Figure) -> bytes:
    """Return a figure as SVG, its letters as outlines: the same on every machine, and the same bytes every time."""
    _spell_controls(figure)
    with figure_style(), io.BytesIO() as memory:
        figure.savefig(memory, format="svg", metadata=_METADATA["svg"])
        return memory.getvalue()


def save_figure(figure: Figure, data: pd.DataFrame, folder: Path, stem: str) -> list[Path]:
    """Write PDF, SVG, PNG and the CSV of the numbers behind them, each complete or not at all.

    Args:
        figure: the picture.
        data: what it shows.
        folder: is made where it does not exist.
        stem: of the four file names.

    Returns:
        The four paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _spell_controls(figure)
    written = []
    for kind in ("pdf", "svg", "png", "csv"):
        path = folder / f"{stem}.{kind}"
        if kind == "csv":
            write_csv(data, path)
        else:
            with figure_style(), new_file(path) as temporary:
                figure.savefig(temporary, format=kind, metadata=_METADATA[kind])
        written.append(path)
    return written
