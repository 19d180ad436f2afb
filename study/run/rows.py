"""Finished stages to rows of the results table: test errors, what was bought, what it cost."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from asteroid.labels.label_set import content_hashes
from asteroid.labels.molecules import rows_by_formula
from asteroid.models.energy_zero import undetermined
from asteroid.stages.evaluation import ModelErrors, evaluate
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import NetworkStage
from study.counts import LEVEL_COLUMNS
from study.run.out_of_fold import CrossValidation, InsideErrors
from study.strategies import STRATEGIES
from study.tables.results import KEY_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import StageResult, StageSpec
    from study.recipes.recipes import Recipe
    from study.recipes.workload import Workload
    from study.run.prediction_cost import PredictionCosts


class Rows(NamedTuple):
    """Rows of the tables of a run: `study.tables.results`, `molecules` and `out_of_fold`."""

    results: list[dict[str, Any]]
    molecules: list[dict[str, Any]]
    out_of_fold: list[dict[str, Any]]


class RowMaker:
    """Makes rows again and again while stages are being finished; the test set is predicted once with each model.

    Args:
        workload: the recipes and their labels.
        bank: the described frames.
        costs: of predictions.
    """

    def __init__(self, workload: Workload, bank: FrameBank, costs: PredictionCosts) -> None:
        self._workload, self._bank, self._costs = workload, bank, costs
        self._errors: dict[str, ModelErrors] = {}  # by last stage
        self._open_zeros: dict[str, Tensor] = {}
        self._inside = CrossValidation(workload.data, workload.recipes, bank)

    def make(self, results: Mapping[str, StageResult]) -> Rows:
        """Rows of all tables, on the same predictions.

        Args:
            results: finished stages by key.

        Returns:
            one row for every recipe whose chains are finished or one of whose stages has failed, and of those that are
            finished one for each molecule of a test set of several, or for each label that cross-validates them.
        """
        self._predict_new(results)
        models = {key: result.model for key, result in results.items()}
        made = Rows([], [], [])
        for recipe in self._workload.recipes:
            known = [results[spec.key] for chain in recipe.chains for spec in chain if spec.key in results]
            failed = [result.status for result in known if result.status != "ok"]
            last = recipe.stages[-1].key
            if failed:
                made.results.append(_row(self._workload, recipe, results, None, None, math.nan, failed[0]))
            elif all(chain[-1].key in results for chain in recipe.chains):
                use_cpu_s = self._costs.cpu_s_per_frame(recipe, results)
                inside, errors = self._inside.error(recipe, models), self._errors.get(last)
                row = _row(self._workload, recipe, results, errors, inside, use_cpu_s, "ok")
                own_warnings = (row["warnings"], _energy_warning(self._workload, self._open_zeros.get(last)))
                made.results.append(row | {"warnings": "; ".join(filter(None, own_warnings))})
                made.molecules.extend(_molecule_rows(row, errors) if errors else ())
                made.out_of_fold.extend(self._inside.rows(recipe, models))
        return made

    def _predict_new(self, results: Mapping[str, StageResult]) -> None:
        """Test errors of last stages that are finished since, all on the shared test frames."""
        bank, test = self._bank, self._workload.data.test
        if not len(test):
            return
        rows, frames = bank.rows_of(test.level, content_hashes(test)), bank.levels[test.level]
        models = {key: result.model for key, result in results.items()}
        for bought in (True, False):
            new = {
                spec.key: spec
                for recipe in self._workload.recipes
                if STRATEGIES[recipe.strategy].buys_accurate == bought
                and (spec := recipe.stages[-1]).key not in self._errors
                and spec.key in results
                and results[spec.key].status == "ok"
            }
            if new:
                open_zeros = _open_zeros(self._workload, new.values())
                predicted = predict_chain(bank, test.level, rows, list(new.values()), models)
                unknown = torch.stack([open_zeros[key] for key in new]) if open_zeros and bought else None
                controls = self._workload.data.test_controls
                found = evaluate(
                    predicted, frames, rows, realign_energy=not bought, open_zeros=unknown, controls=controls
                )
                self._errors.update(zip(new, found, strict=True))
                self._open_zeros |= open_zeros


def _open_zeros(workload: Workload, last_stages: Iterable[StageSpec]) -> dict[str, Tensor]:
    """By stage that accurate labels trained: test frames [n] whose zero of energy they leave open."""
    test, pool = workload.data.test, workload.data.pool
    if not test.varied:
        return {}
    numbers = torch.tensor(test.numbers)
    # Not from the bank: it has no training frames of stages that were finished before.
    atoms = dict(zip(content_hashes(pool), pool.numbers, strict=True))
    found = {}
    for spec in last_stages:
        if spec.train.level == test.level:
            known = torch.from_numpy(np.stack([atoms[h] for h in spec.train.hashes]))
            found[spec.key] = undetermined(numbers, known)
    return found


def _energy_warning(workload: Workload, open_zero: Tensor | None) -> str:
    """What energy errors leave out, as a sentence; empty where they leave out nothing."""
    if open_zero is None or not open_zero.any():
        return ""
    names = sorted(rows_by_formula(workload.data.test.numbers[open_zero.numpy()]))
    return (
        f"energy errors without {int(open_zero.sum())} of {len(open_zero)} test frames: the training labels leave the "
        f"zero of energy of {', '.join(names)} open"
    )


def _molecule_rows(row: dict[str, Any], errors: ModelErrors) -> list[dict[str, Any]]:
    return [
        {name: row[name] for name in (*KEY_COLUMNS, *LEVEL_COLUMNS)}
        | {
            "molecule": own.molecule,
            "n_atoms": own.n_atoms,
            "n_test": own.n_test,
            "test_force_mae_ev_ang": own.force_mae_ev_ang,
            "test_force_mae_se_ev_ang": own.force_mae_se_ev_ang,
        }
        for own in errors.molecules
    ]


def _stated_s(workload: Workload, recipe: Recipe) -> float:
    """CPU seconds that the user states for a model that a chain starts from."""
    start = workload.sweep.start
    given = any(isinstance(spec, NetworkStage) and spec.given for spec in recipe.stages)
    return start.price if start is not None and given else 0.0


def _row(
    workload: Workload,
    recipe: Recipe,
    results: Mapping[str, StageResult],
    errors: ModelErrors | None,
    inside: InsideErrors | None,
    use_cpu_s: float,
    status: str,
) -> dict[str, Any]:
    last = recipe.stages[-1]
    bought = recipe.budget > 0
    left = results[last.key].train_force_mae_ev_ang if bought and last.key in results else None
    adjusted = errors.controlled if errors else None
    val_energy = results[last.key].val_energy_mae_ev if last.key in results else None
    forces, energies = inside or (None, None)
    weighted = next((results[s.key] for s in recipe.stages if s.is_weighted and s.key in results), None)
    bias = (weighted and weighted.bias_quantiles_ev_ang) or (math.nan, math.nan, math.nan)
    counts = STRATEGIES[recipe.strategy].counts(recipe.budget, recipe.lower)
    accurate_cpu_s, cheap_cpu_s = workload.data.prices.cpu_s(counts)
    gamma_ev_ang = recipe.gamma_rel  # inf: no weights, NaN: nothing to weight
    if math.isfinite(gamma_ev_ang):
        gamma_ev_ang = weighted.gamma_ev_ang if weighted and weighted.gamma_ev_ang is not None else math.nan
    return {
        "strategy": recipe.strategy,
        "gamma_rel": recipe.gamma_rel,
        "gamma_ev_ang": gamma_ev_ang,
        "schedule": recipe.schedule,
        "budget": recipe.budget,
        "n_train": recipe.budget - last.n_val if bought else 0,
        "n_val": last.n_val if bought else 0,
        **asdict(recipe.lower),
        "seed": recipe.seed,
        "tuned_with_n": recipe.tuned_with_n,
        "train_force_mae_ev_ang": math.nan if left is None else left,
        "val_force_mae_ev_ang": results[last.key].val_force_mae_ev_ang if last.key in results else math.nan,
        "cv_force_mae_ev_ang": forces.mean if forces else math.nan,
        "cv_force_mae_se_ev_ang": forces.se if forces else math.nan,
        "cv_force_mae_shared_se_ev_ang": forces.shared_se if forces else math.nan,
        "cv_slope": forces.slope if forces else math.nan,
        "test_force_mae_ev_ang": errors.force_mae_ev_ang if errors else math.nan,
        "test_force_mae_se_ev_ang": errors.force_mae_se_ev_ang if errors else math.nan,
        "test_force_mae_adjusted_ev_ang": adjusted.mean if adjusted else math.nan,
        "test_force_mae_adjusted_se_ev_ang": adjusted.se if adjusted else math.nan,
        "test_force_rmse_ev_ang": errors.force_rmse_ev_ang if errors else math.nan,
        "test_energy_mae_ev": errors.energy_mae_ev if errors else math.nan,
        "test_energy_rmse_ev": errors.energy_rmse_ev if errors else math.nan,
        "n_test": len(workload.data.test),
        "effective_sample": weighted.effective_sample if weighted else math.nan,
        "bias_median_ev_ang": bias[1],
        "bias_p10_ev_ang": bias[0],
        "bias_p90_ev_ang": bias[2],
        **counts.columns(),
        "cost_accurate_cpu_s": accurate_cpu_s,
        "cost_cheap_cpu_s": cheap_cpu_s,
        "use_cpu_s_per_frame": use_cpu_s,
        "recipe_core_s": sum(results[s.key].core_s for s in recipe.stages if s.key in results)
        + _stated_s(workload, recipe),
        "status": status,
        "warnings": "; ".join(w for s in recipe.stages if s.key in results for w in results[s.key].warnings),
        "stage_keys": " ".join(s.key for s in recipe.stages),
        "test_energy_free_mae_ev": errors.energy_free_mae_ev if errors else math.nan,
        "test_energy_free_mae_se_ev": errors.energy_free_mae_se_ev if errors else math.nan,
        "cv_energy_free_mae_ev": energies.mean if energies else math.nan,
        "cv_energy_free_mae_se_ev": energies.se if energies else math.nan,
        "cv_energy_free_mae_shared_se_ev": energies.shared_se if energies else math.nan,
        "val_energy_mae_ev": math.nan if val_energy is None else val_energy,
    }
