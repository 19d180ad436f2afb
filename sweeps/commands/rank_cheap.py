"""The command `rank-cheap`: candidates for the cheap level compared on accurate labels that are owned."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asteroid.errors import InputError
from sweeps.console import note, say, say_json
from sweeps.options import AsJson, ForceUnit
from sweeps.quantities import FORCE_UNIT

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet
    from study.labelling.rank_cheap import RankedLevel

SCHEMA_VERSION = 1
CANNOT_TELL = (
    "It cannot tell what pretraining on frames of a level is worth, nor errors with many more labels than these, nor "
    "on frames unlike them; a public model may have been trained on this molecule."
)


def rank_cheap(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Accurate labels that are owned, in any format.")],
    levels: Annotated[str, typer.Option(help="Candidates that run here, with commas between them.")] = "",
    cheap: Annotated[
        list[Path] | None, typer.Option(help="File of a candidate's labels at these geometries. May be repeated.")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Accurate labels to compare on, a random subset.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the subset.")] = 0,
    level: Annotated[str | None, typer.Option(help="Level of LABELS, where the file states none.")] = None,
    energy_unit: Annotated[str | None, typer.Option(help="Unit of the energies, where files state none.")] = None,
    length_unit: Annotated[str | None, typer.Option(help="Unit of length, where files state none.")] = None,
    force_unit: ForceUnit = FORCE_UNIT,
    as_json: AsJson = False,
) -> None:
    """Compare candidates for the cheap level before anything is spent on frames of one.

    Each is subtracted from the accurate labels; the error is that of delta-learning (sGDML), cross-validated in ten
    folds.

    Examples:

      asteroid-study rank-cheap labels.npz --levels gfn1-xtb,gfn2-xtb,so3lr

      asteroid-study rank-cheap labels.npz --levels gfn2-xtb --cheap dft.npz --n 30 --json
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from asteroid.io.declaration import Declaration
    from asteroid.io.read import read_labels
    from asteroid.labelling.levels import listed_levels
    from asteroid.labels.label_set import hash_order
    from asteroid.labels.molecules import refuse_several
    from asteroid.units import force_unit_in_ev_ang
    from study.labelling.rank_cheap import cheap_labels_in, cheap_labels_of, rank_cheap

    scale = force_unit_in_ev_ang(force_unit)
    names = listed_levels(levels)
    if not names and not cheap:
        raise InputError(
            "candidates are named with --levels or --cheap, found none: add for instance --levels gfn2-xtb"
        )
    accurate = read_labels(labels, Declaration(level=level, energy_unit=energy_unit, length_unit=length_unit)).labels
    refuse_several(accurate, "rank-cheap", "give the labels of one molecule")
    owned = accurate.select(hash_order(accurate, seed)[:n])
    candidates = []
    for name in names:
        note(f"labels of {name}")
        candidates.append(cheap_labels_of(owned, name))
    for path in cheap or ():
        file = read_labels(path, Declaration(energy_unit=energy_unit, length_unit=length_unit)).labels
        candidates.append(cheap_labels_in(owned, file))
    ranked = rank_cheap(owned, candidates)
    if as_json:
        say_json(_summary(owned, accurate, ranked))
        return
    _show(owned, ranked, force_unit, scale)
    for line in _falling_prices(accurate, ranked):
        say(line)
    say(CANNOT_TELL)


def _summary(owned: LabelSet, accurate: LabelSet, ranked: list[RankedLevel]) -> dict[str, Any]:
    from study.labelling.rank_cheap import recommended

    return {
        "schema_version": SCHEMA_VERSION,
        "level": owned.level,
        "n_labels": len(owned),
        "candidates": [
            {
                "level": one.level,
                "own_force_mae_ev_ang": one.own_mae_ev_ang,
                "delta_force_mae_ev_ang": one.mae_ev_ang,
                "delta_force_mae_half_ev_ang": one.half_mae_ev_ang,
                "behind_ev_ang": one.behind_ev_ang,
                "behind_se_ev_ang": one.behind_se_ev_ang,
                "equal_to_the_best": one.equal_to_the_best,
                "label_cpu_s": None if math.isnan(one.label_cpu_s) else one.label_cpu_s,
            }
            for one in ranked
        ],
        "recommended": recommended(ranked).level,
        "notes": [*_falling_prices(accurate, ranked), CANNOT_TELL],
    }


def _show(owned: LabelSet, ranked: list[RankedLevel], force_unit: str, scale: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from study.labelling.rank_cheap import FOLDS, recommended
    from study.labelling.timing import price_text

    folds = min(FOLDS, len(owned))
    title = f"Delta-learning on {len(owned)} labels of {owned.level}, force MAE in {force_unit}"
    table = Table(title=title, title_justify="left")
    learned = len(owned) - len(owned) // folds
    for head in ("level", "alone", f"{len(owned) // 2} labels", f"{learned} labels", "behind the best", "CPU a label"):
        table.add_column(head, justify="left" if head == "level" else "right", no_wrap=head != "level")
    for one in ranked:
        errors = [f"{value / scale:.3g}" for value in (one.own_mae_ev_ang, one.half_mae_ev_ang, one.mae_ev_ang)]
        behind = f"{one.behind_ev_ang / scale:.2g} ± {one.behind_se_ev_ang / scale:.1g}" if one is not ranked[0] else ""
        price = "" if math.isnan(one.label_cpu_s) else price_text(one.label_cpu_s)
        table.add_row(one.level, *errors, behind, price)
    Console().print(table)
    choice, equal = recommended(ranked), [one.level for one in ranked if one.equal_to_the_best]
    if len(equal) == 1:
        say(f"Take {choice.level}: these labels tell it from the others.")
    else:
        say(f"Take {choice.level}: these labels do not tell {', '.join(equal)} apart, and its labels cost least.")


def _falling_prices(accurate: LabelSet, ranked: list[RankedLevel]) -> list[str]:
    """A note for each candidate that costs more than what it is to save."""
    import numpy as np

    if accurate.cpu_s is None:
        return []
    price = float(np.median(accurate.cpu_s))
    return [
        f"note: a label of {one.level} took {one.label_cpu_s:.3g} s, one of {accurate.level} {price:.3g} s: it is not "
        "the cheap one"
        for one in ranked
        if one.label_cpu_s >= price
    ]
