"""Finished stages to rows of the results table: test errors, what was bought, what it cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from asteroid.evaluation import ModelErrors, evaluate
from asteroid.labels import content_hashes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.frames import FrameBank
    from asteroid.models.mlp import MLPSettings
    from asteroid.stages import StageResult
    from study.recipe import Recipe
    from study.run import Plan


def make_rows(plan: Plan, bank: FrameBank, results: Mapping[str, StageResult]) -> list[dict[str, Any]]:
    """One row for every recipe whose last stage is finished or whose chain has failed."""
    errors = _test_errors(plan, bank, results)
    rows = []
    for recipe in plan.recipes:
        failed = [results[s.key].status for s in recipe.stages if s.key in results and results[s.key].status != "ok"]
        if failed:
            rows.append(_row(plan, recipe, results, None, failed[0]))
        elif recipe.stages[-1].key in results:
            rows.append(_row(plan, recipe, results, errors[recipe.stages[-1].key], "ok"))
    return rows


def _test_errors(plan: Plan, bank: FrameBank, results: Mapping[str, StageResult]) -> dict[str, ModelErrors]:
    """Test errors of every finished last stage, models of one size together on the shared test frames."""
    test = plan.data.test
    rows = bank.rows_of(test.level, content_hashes(test))
    groups: dict[tuple[MLPSettings, bool], list[str]] = {}
    for recipe in plan.recipes:
        last = recipe.stages[-1]
        if last.key in results and results[last.key].status == "ok":
            keys = groups.setdefault((last.model, recipe.strategy == "cheap_only"), [])
            if last.key not in keys:
                keys.append(last.key)
    errors: dict[str, ModelErrors] = {}
    for (settings, cheap_only), keys in groups.items():
        models = [results[key].model for key in keys]
        frames = bank.levels[test.level]
        found = evaluate(bank.layout, settings, frames, rows, models, realign_energy=cheap_only)
        errors.update(zip(keys, found, strict=True))
    return errors


def _row(
    plan: Plan, recipe: Recipe, results: Mapping[str, StageResult], errors: ModelErrors | None, status: str
) -> dict[str, Any]:
    last = recipe.stages[-1]
    bought = recipe.budget > 0
    weighted = next((results[s.key] for s in recipe.stages if s.gamma_rel is not None and s.key in results), None)
    bias = (weighted and weighted.bias_quantiles_ev_ang) or (math.nan, math.nan, math.nan)
    prices = plan.data.prices
    gamma_ev_ang = recipe.gamma_rel  # inf: no weights, NaN: nothing to weight
    if math.isfinite(gamma_ev_ang):
        gamma_ev_ang = weighted.gamma_ev_ang if weighted and weighted.gamma_ev_ang is not None else math.nan
    return {
        "strategy": recipe.strategy,
        "gamma_rel": recipe.gamma_rel,
        "gamma_ev_ang": gamma_ev_ang,
        "schedule": recipe.schedule,
        "budget": recipe.budget,
        "n_train": len(last.train) if bought else 0,
        "n_val": len(last.val) if bought else 0,
        "n_cheap": recipe.n_cheap,
        "seed": recipe.seed,
        "tuned_with_n": recipe.tuned_with_n,
        "val_force_mae_ev_ang": results[last.key].val_force_mae_ev_ang if last.key in results else math.nan,
        "cv_force_mae_ev_ang": math.nan,
        "test_force_mae_ev_ang": errors.force_mae_ev_ang if errors else math.nan,
        "test_force_mae_se_ev_ang": errors.force_mae_se_ev_ang if errors else math.nan,
        "test_force_rmse_ev_ang": errors.force_rmse_ev_ang if errors else math.nan,
        "test_energy_mae_ev": errors.energy_mae_ev if errors else math.nan,
        "test_energy_rmse_ev": errors.energy_rmse_ev if errors else math.nan,
        "n_test": len(plan.data.test),
        "effective_sample": weighted.effective_sample if weighted else math.nan,
        "bias_median_ev_ang": bias[1],
        "bias_p10_ev_ang": bias[0],
        "bias_p90_ev_ang": bias[2],
        "cost_accurate_cpu_s": prices.accurate_cpu_s(recipe.budget),
        "cost_cheap_cpu_s": prices.cheap_cpu_s(recipe.n_cheap),
        "recipe_core_s": sum(results[s.key].core_s for s in recipe.stages if s.key in results),
        "status": status,
        "stage_keys": " ".join(s.key for s in recipe.stages),
    }
