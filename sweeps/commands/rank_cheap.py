"""The command `rank-cheap`: candidates for the cheap level compared on accurate labels that are owned."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeps.api import rank_cheap as api
from sweeps.console import note, say, say_json
from sweeps.options import AsJson, ForceUnit
from sweeps.quantities import FORCE_UNIT

if TYPE_CHECKING:
    from sweeps.api.rank_cheap import Ranking


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
    from asteroid.units import force_unit_in_ev_ang

    scale = force_unit_in_ev_ang(force_unit)
    found = api.rank_cheap(
        labels,
        levels,
        cheap=cheap or (),
        n=n,
        seed=seed,
        level=level,
        energy_unit=energy_unit,
        length_unit=length_unit,
        on_line=note,
    )
    if as_json:
        say_json(found.to_json())
        return
    _show(found, force_unit, scale)
    for line in found.notes:
        say(line)


def _show(found: Ranking, force_unit: str, scale: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from study.labelling.rank_cheap import FOLDS
    from study.labelling.timing import price_text

    n_labels, best = found.n_labels, found.candidates[0]
    learned = n_labels - n_labels // min(FOLDS, n_labels)
    title = f"Delta-learning on {n_labels} labels of {found.level}, force MAE in {force_unit}"
    table = Table(title=title, title_justify="left")
    for head in ("level", "alone", f"{n_labels // 2} labels", f"{learned} labels", "behind the best", "CPU a label"):
        table.add_column(head, justify="left" if head == "level" else "right", no_wrap=head != "level")
    for one in found.candidates:
        errors = [f"{value / scale:.3g}" for value in (one.own_mae_ev_ang, one.half_mae_ev_ang, one.mae_ev_ang)]
        behind = f"{one.behind_ev_ang / scale:.2g} ± {one.behind_se_ev_ang / scale:.1g}" if one is not best else ""
        price = "" if math.isnan(one.label_cpu_s) else price_text(one.label_cpu_s)
        table.add_row(one.level, *errors, behind, price)
    Console().print(table)
    choice, equal = found.recommended, [one.level for one in found.candidates if one.equal_to_the_best]
    if len(found.candidates) == 1:
        say(f"{choice.level} is the only candidate: name others with --levels or --cheap to compare it with.")
    elif len(equal) == 1:
        say(f"Take {choice.level}: these labels tell it from the others.")
    else:
        say(f"Take {choice.level}: these labels do not tell {', '.join(equal)} apart, and its labels cost least.")
