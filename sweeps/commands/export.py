"""The command `export`: a trained model out of a run or a purchase, in a folder that goes its own way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asteroid.errors import InputError
from sweeps.console import say

if TYPE_CHECKING:
    from study.export.run_model import Choice


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
    from asteroid.deploy.folder import write_force_field
    from study.buying.state import is_purchase
    from study.export.purchase_model import purchase_force_field
    from study.export.run_model import Choice, run_force_field

    choice = Choice(strategy, budget, n_cheap, gamma, schedule, committee, licence)
    if is_purchase(run):
        _refuse_choice(strategy, budget, n_cheap, gamma, schedule, plan)
        force_field = purchase_force_field(run, committee, licence)
    else:
        if plan is not None:
            _refuse_choice(strategy, budget, n_cheap, gamma, schedule, None)
            choice = _planned(run, plan, choice)
        force_field = run_force_field(run, choice)
    write_force_field(force_field, out)
    said = [line[2:] for line in (out / "card.md").read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    for line in said[:5]:
        say(line)
    say(f"model: {out}; card: {out / 'card.md'}")


def _refuse_choice(*given: object) -> None:
    if any(value is not None for value in given):
        raise InputError(
            "a purchase and a plan say which model is exported, found a further choice: leave out --strategy, "
            "--budget, --n-cheap, --gamma, --schedule, and --plan of a purchase"
        )


def _planned(run: Path, target: str, choice: Choice) -> Choice:
    """What the plan for a target recommends, at the smallest budget of the run that has so many labels."""
    import math
    from dataclasses import replace

    from analysis.plan.labels_for_target import plan_target
    from analysis.plan.run_evidence import run_evidence
    from asteroid.units import parse_force
    from study.prices import PriceList
    from study.tables.manifest import read_manifest
    from study.tables.results import read_results

    manifest, table = read_manifest(run), read_results(run)
    known = run_evidence(table, manifest, PriceList.from_json(manifest["prices"]))
    option = plan_target(known, parse_force(target)).choice
    if option is None:
        raise InputError(f"no curve of the run promises {target}: choose a row with --strategy and --budget")
    key = option.key
    rows = table[(table["status"] == "ok") & (table["strategy"] == key.strategy)]
    there = sorted({int(budget) for budget in rows["budget"]})
    enough = [budget for budget in there if budget >= option.n_accurate]
    if not enough:
        raise InputError(
            f"the plan needs {option.n_accurate} labels, the run has {there[-1]} at most: buy them and run with "
            f"--extend, or export --strategy {key.strategy} --budget {there[-1]}"
        )
    cheap = min({int(n) for n in rows["n_cheap"]}, key=lambda n: (n < key.n_cheap, abs(n - key.n_cheap)))
    say(f"plan: {key.strategy}, {option.n_accurate} labels; exported: its model of {enough[0]} labels")
    gamma = None if math.isnan(key.gamma_rel) else key.gamma_rel
    return replace(
        choice, strategy=key.strategy, budget=enough[0], n_cheap=cheap, gamma_rel=gamma, schedule=key.schedule
    )
