"""`export`: a trained model out of a run or a purchase, in a folder that goes its own way."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from sweeps.quantities import target_error

if TYPE_CHECKING:
    from study.export.run_model import Choice
    from sweeps.quantities import FilePath, Target


@dataclass(frozen=True)
class Exported:
    """A model in its folder.

    Attributes:
        folder: as `predict`, `evaluate` and `asteroid.deploy.calculator.asteroid_model` take it.
        card: first lines of its card.
        planned: which model a plan asked for, and which one that is; None without a plan.
    """

    folder: Path
    card: tuple[str, ...]
    planned: str | None = None


def export(
    run: FilePath,
    *,
    out: FilePath,
    strategy: str | None = None,
    budget: int | None = None,
    n_cheap: int | None = None,
    gamma: float | None = None,
    schedule: str | None = None,
    plan: Target | None = None,
    committee: int | None = None,
    licence: str | None = None,
) -> Exported:
    """Export a trained model as a folder: weights, settings, a card; no code, no pickles.

    Args:
        run: folder of a run or of a purchase.
        out: folder of the model.
        strategy: strategy of a run's row; None: the best.
        budget: its accurate labels; None: the most.
        n_cheap: its cheap frames.
        gamma: its relative bias-weight temperature.
        schedule: its fine-tune schedule.
        plan: take what `plan` recommends for this target instead: eV/Å, or text such as "0.3 kcal/mol/A".
        committee: further models (other seeds, or folds) that tell the spread; None: up to 4.
        licence: of the model, for its card.

    Raises:
        InputError: no such folder or row, a further choice beside a plan or a purchase, or nothing is promised.
    """
    from asteroid.deploy.folder import write_force_field
    from study.buying.state import is_purchase
    from study.export.purchase_model import purchase_force_field
    from study.export.run_model import Choice, run_force_field

    folder, planned = Path(run), None
    choice = Choice(strategy, budget, n_cheap, gamma, schedule, committee, licence)
    if is_purchase(folder):
        _refuse_choice(strategy, budget, n_cheap, gamma, schedule, plan)
        force_field = purchase_force_field(folder, committee, licence)
    else:
        if plan is not None:
            _refuse_choice(strategy, budget, n_cheap, gamma, schedule, None)
            choice, planned = _planned(folder, plan, choice)
        force_field = run_force_field(folder, choice)
    write_force_field(force_field, Path(out))
    card = (Path(out) / "card.md").read_text(encoding="utf-8").splitlines()
    return Exported(Path(out), tuple(line[2:] for line in card if line.startswith("- "))[:5], planned)


def _refuse_choice(*given: object) -> None:
    if any(value is not None for value in given):
        raise InputError(
            "a purchase and a plan say which model is exported, found a further choice: leave out --strategy, "
            "--budget, --n-cheap, --gamma, --schedule, and --plan of a purchase"
        )


def _planned(run: Path, target: Target, choice: Choice) -> tuple[Choice, str]:
    """What the plan for a target recommends, at the smallest budget of the run that has so many labels."""
    from analysis.plan.labels_for_target import plan_target
    from analysis.plan.run_evidence import run_evidence
    from study.prices import PriceList
    from study.tables.manifest import read_manifest
    from study.tables.results import read_results

    manifest, table = read_manifest(run), read_results(run)
    wanted, measured = target_error(target)
    known = run_evidence(table, manifest, PriceList.from_json(manifest["prices"]), measured=measured)
    option = plan_target(known, wanted).choice
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
    gamma = None if math.isnan(key.gamma_rel) else key.gamma_rel
    chosen = replace(
        choice, strategy=key.strategy, budget=enough[0], n_cheap=cheap, gamma_rel=gamma, schedule=key.schedule
    )
    return chosen, f"{key.strategy}, {option.n_accurate} labels; exported: its model of {enough[0]} labels"
