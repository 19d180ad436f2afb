"""The figure of hyperparameter importances: what the cross-validated error depends on, and how much of it is noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from analysis.figures.picture import Picture, RunFigure
from analysis.figures.style import figure_style, look_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.figures.picture import FigureInput

#: Parameters with a bar of their own; the rest are summed.
N_BARS = 8
PANELS_WIDE = 2
_NOISE_NAME = "noise between subsets and folds"


def importance_data(importances: pd.DataFrame) -> pd.DataFrame:
    """Numbers of the importance figure: the bars of each study, from the top down.

    Args:
        importances: as `study.tables.trials.read_importances` returns it.

    Returns:
        Columns study, strategy, budget, label, importance, kind (`parameter`, `others`: the sum of the smallest, or
        `seed_noise`, always last). Shares of one study sum to 1.
    """
    parts = []
    for _, rows in importances.groupby("study", sort=False):
        noise = rows[rows["kind"] == "seed_noise"].assign(label=_NOISE_NAME)
        ranked = rows[rows["kind"] == "parameter"].sort_values("importance", ascending=False, kind="stable")
        shown = ranked if len(ranked) <= N_BARS else ranked.head(N_BARS - 1)
        rest = ranked.iloc[len(shown) :]
        parts.append(shown.assign(label=shown["parameter"].map(parameter_name)))
        if len(rest):
            total = float(rest["importance"].sum())
            parts.append(rest.head(1).assign(label=f"{len(rest)} others", importance=total, kind="others"))
        parts.append(noise)
    names = ["study", "strategy", "budget", "label", "importance", "kind"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def plot_importance(data: pd.DataFrame, figure: Figure) -> list[Axes]:
    """Draw a panel for each study with horizontal bars; the noise is hatched.

    Args:
        data: from `importance_data`, not empty.
        figure: is filled; see `importance_size_in`.
    """
    with figure_style(), mpl.rc_context({"hatch.linewidth": 0.6}):
        studies = dict(list(data.groupby("study", sort=False)))
        columns = min(PANELS_WIDE, len(studies))
        rows_high = -(-len(studies) // columns)
        grid = figure.subplots(rows_high, columns, sharex=True, squeeze=False)
        panels: list[Axes] = list(grid.ravel())
        for ax, (study, rows) in zip(panels, studies.items(), strict=False):
            colour = look_of(str(rows["strategy"].iloc[0])).colour
            for place, (_, row) in enumerate(rows.iterrows()):
                noise = row["kind"] == "seed_noise"
                style: Any = (
                    {"facecolor": "white", "edgecolor": "0.35", "hatch": "////"} if noise else {"color": colour}
                )
                ax.barh(place, row["importance"], height=0.7, linewidth=0.7 if noise else 0, **style)
                ax.annotate(
                    f"{row['importance']:.0%}",
                    (row["importance"], place),
                    xytext=(3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=6,
                )
            ax.set_yticks(range(len(rows)), rows["label"])
            # All panels leave room for as many bars as the largest has, so that bars are of one width.
            ax.set_ylim(_most_bars(data) - 0.4, -0.6)
            ax.set_title(str(study), loc="left")
            ax.tick_params(axis="y", length=0)
            ax.spines[["top", "right"]].set_visible(False)
        for ax in panels[len(studies) :]:
            ax.remove()
        for ax in panels[max(len(studies) - columns, 0) : len(studies)]:
            ax.xaxis.set_tick_params(labelbottom=True)
        panels[0].set_xlim(0, max(1.18 * data["importance"].max(), 0.1))
        panels[0].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        figure.supxlabel("Share of the variance of the cross-validated force MAE", fontsize=8)
    return panels[: len(studies)]


def importance_size_in(data: pd.DataFrame) -> tuple[float, float]:
    """Width and height, inches, of a figure in which the bars are readable."""
    n_studies = data["study"].nunique()
    columns = min(PANELS_WIDE, n_studies)
    return 0.2 + 3.3 * columns, 0.5 + -(-n_studies // columns) * (0.35 + 0.17 * _most_bars(data))


def parameter_name(parameter: str) -> str:
    """Name of a suggested parameter for people: "gamma_rel" becomes "γ / median bias"."""
    return "γ / median bias" if parameter == "gamma_rel" else parameter.replace("_", " ")


def _most_bars(data: pd.DataFrame) -> int:
    return int(data["study"].value_counts().max())


def _picture(given: FigureInput) -> Picture | None:
    data = pd.DataFrame() if given.importances is None else importance_data(given.importances)
    if not len(data):
        return None
    figure = Figure(figsize=importance_size_in(data), layout="constrained")
    plot_importance(data, figure)
    first = data.sort_values("importance", ascending=False).drop_duplicates("study").sort_index()
    leaders = "; ".join(f"{row['study']}: {row['label']} {row['importance']:.0%}" for _, row in first.iterrows())
    return Picture(
        figure,
        data,
        "What the settings matter",
        "Share of the variance of the cross-validated error that each setting explains; the hatched bar is noise, "
        "which no setting explains.",
        f"Largest share of the variance of the cross-validated error in each study: {leaders}.",
    )


FIGURE = RunFigure("importance", _picture, caveats="none")
