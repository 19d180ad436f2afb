"""The command `export`: a trained model out of a run or a purchase, in a folder that goes its own way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.api import export as api
from sweeps.console import say


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run or of a purchase.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the model.")],
    strategy: Annotated[str | None, typer.Option(help="Strategy of a run's row; default: the best.")] = None,
    budget: Annotated[int | None, typer.Option(help="Its accurate labels; default: the most.")] = None,
    n_cheap: Annotated[int | None, typer.Option(help="Its cheap frames.")] = None,
    gamma: Annotated[float | None, typer.Option(help="Its relative bias-weight temperature.")] = None,
    schedule: Annotated[str | None, typer.Option(help="Its fine-tune schedule.")] = None,
    plan: Annotated[
        str | None,
        typer.Option(help="Take what 'plan' recommends for this target instead.", metavar='"0.3 kcal/mol/A"'),
    ] = None,
    committee: Annotated[
        int | None,
        typer.Option(help="Further models (other seeds, or folds) that tell the spread; default: up to 4."),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the model, for its card.")] = None,
) -> None:
    """Export a trained model as a folder: weights, settings, a card; no code, no pickles.

    Predict with it (predict, evaluate, md, check-model), or use it in ASE: asteroid_model("model/"). docs/use.md.

    Examples:

      asteroid-study export runs/quickstart --out model --plan "0.3 kcal/mol/A"

      asteroid-study export runs/quickstart --out model --strategy residual --budget 50 --committee 2

      asteroid-study export methanol --out model --committee 8
    """
    model = api.export(
        run,
        out=out,
        strategy=strategy,
        budget=budget,
        n_cheap=n_cheap,
        gamma=gamma,
        schedule=schedule,
        plan=plan,
        committee=committee,
        licence=licence,
    )
    if model.planned is not None:
        say(f"plan: {model.planned}")
    for line in model.card:
        say(line)
    say(f"model: {out}; card: {out / 'card.md'}")
