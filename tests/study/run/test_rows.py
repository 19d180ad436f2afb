from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp_forces import energy_and_forces
from asteroid.stages.evaluation import controlled_mean
from asteroid.stages.train import train_pack
from study.config.sweep_text import parse_sweep
from study.counts import LEVEL_COLUMNS
from study.data.load import load_data
from study.recipes.chains import ChainBuilder
from study.recipes.recipes import make_recipes
from study.recipes.workload import Workload
from study.run import rows as rows_module
from study.run.prediction_cost import PredictionCosts
from study.run.rows import RowMaker
from study.tables.results import COLUMNS, results_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.stages.stage import StageResult
    from study.recipes.recipes import Recipe

SWEEP = """
name: rows
data: {dataset: methanol, prices: {ccsd_t/cc-pvdz: 30 s}}
test: {groups: [3]}
strategies: [accurate_only, cheap_only, pretrain_finetune, asteroid]
budgets: [10]
n_cheap: [20]
gamma_rel: [0.5, inf]
seeds: [0]
model: {hidden: 6}
descriptors: {n_radial: 4, n_angular: 2, l_max: 1}
identify: {steps: 10, learning_rate: 0.01, validations: 2}
pretrain: {steps: 10, learning_rate: 0.01, validations: 2}
finetune:
  standard: {steps: 10, learning_rate: 0.002, validations: 2}
"""


@dataclass(frozen=True)
class Trained:
    workload: Workload
    bank: FrameBank
    results: dict[str, StageResult]
    costs: PredictionCosts

    def rows(self, results: dict[str, StageResult] | None = None) -> dict[str, dict[str, Any]]:
        maker = RowMaker(self.workload, self.bank, self.costs)
        found, of_molecules, _ = maker.make(self.results if results is None else results)
        assert of_molecules == [], "there is one only"
        return {row["strategy"]: row for row in found}

    def recipe(self, strategy: str) -> Recipe:
        (found,) = (r for r in self.workload.recipes if r.strategy == strategy)
        return found


@cache
def trained() -> Trained:
    """All four strategies at one budget, on a test set of 12 frames."""
    torch.set_num_threads(1)
    sweep = parse_sweep(SWEEP, "sweep.yaml", Path())
    full = load_data(sweep)
    data = replace(
        full,
        test=full.test.select(np.arange(12)),
        pool=full.pool.select(np.arange(15)),
        cheap=(replace(full.cheap[0], pool=full.cheap[0].pool.select(np.arange(30))),),
        test_controls=None if full.test_controls is None else full.test_controls[:12],
    )
    builder = ChainBuilder(data)
    workload = Workload(sweep, data, builder, make_recipes(sweep, builder), [])
    accurate = data.accurate.select(
        np.isin(content_hashes(data.accurate), content_hashes(data.pool) + content_hashes(data.test))
    )
    bank = build_bank(data.descriptors, [BankEntry(s, content_hashes(s)) for s in (accurate, data.cheap[0].pool)])
    results: dict[str, StageResult] = {}
    for packs in workload.rounds:
        for pack in packs:
            parents = {key: results[key].model for key in pack.parents}
            found = train_pack(bank, pack.specs, parents, share_batches=pack.share_batches)
            for result in found:  # planted times, so that sums over chains can be told apart
                results[result.key] = replace(result, core_s=10.0 ** len(results))
    return Trained(workload, bank, results, PredictionCosts(data, bank.layout))


def predicted(strategy: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energies [n] and forces [n, A, 3] of a strategy's model on the test frames, in the order of the test set."""
    t = trained()
    data, model = t.workload.data, t.results[t.recipe(strategy).stages[-1].key].model
    frames = t.bank.levels[data.test.level]
    rows = t.bank.rows_of(data.test.level, content_hashes(data.test))
    energy, forces = energy_and_forces(
        t.bank.layout,
        t.workload.sweep.model.settings(),
        model.parameters[None],
        model.scaling,
        frames.descriptors[rows][None],
        frames.jacobians[rows][None],
    )
    return energy[0].double().numpy() + model.energy_shift_ev, forces[0].double().numpy().reshape(12, -1, 3)


STRATEGIES = ("accurate_only", "cheap_only", "pretrain_finetune", "asteroid")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_errors_are_those_on_the_test_labels(strategy: str) -> None:
    row, test = trained().rows()[strategy], trained().workload.data.test
    assert test.energy is not None
    assert test.forces is not None
    energy, forces = predicted(strategy)
    assert row["test_force_mae_ev_ang"] == pytest.approx(np.abs(forces - test.forces).mean(), rel=1e-5)
    assert row["test_force_rmse_ev_ang"] == pytest.approx(np.sqrt(np.square(forces - test.forces).mean()), rel=1e-5)
    off = energy - test.energy
    if strategy == "cheap_only":  # a model of cheap energies has another zero
        assert np.abs(off).mean() > 10
        shifts = off[:, None] - off  # the best constant for an absolute error is one of the errors
        assert row["test_energy_mae_ev"] == pytest.approx(np.abs(shifts).mean(0).min(), rel=1e-4)
    else:
        assert row["test_energy_mae_ev"] == pytest.approx(np.abs(off).mean(), rel=1e-4)
        assert row["test_energy_rmse_ev"] == pytest.approx(np.sqrt(np.square(off).mean()), rel=1e-4)
    assert row["n_test"] == 12
    assert 0 < row["test_force_mae_se_ev_ang"] < row["test_force_mae_ev_ang"]
    per_frame = np.abs(forces - test.forces).mean((1, 2))
    adjusted = controlled_mean(per_frame, trained().workload.data.test_controls)
    assert adjusted is not None
    assert row["test_force_mae_adjusted_ev_ang"] == pytest.approx(adjusted.mean, rel=1e-4)
    assert row["test_force_mae_adjusted_se_ev_ang"] == pytest.approx(adjusted.se, rel=1e-3)
    assert math.isnan(row["train_force_mae_ev_ang"]) == (strategy == "cheap_only")


def test_what_was_bought_and_what_it_costs() -> None:
    rows = trained().rows()
    bought = {name: (r["budget"], r["n_train"], r["n_val"], r["n_cheap"]) for name, r in rows.items()}
    assert bought == {
        "accurate_only": (10, 8, 2, 0),
        "cheap_only": (0, 0, 0, 20),
        "pretrain_finetune": (10, 8, 2, 20),
        "asteroid": (10, 8, 2, 20),
    }
    cheap = trained().workload.data.prices.levels["gfn2-xtb"]
    for row in rows.values():
        assert row["cost_accurate_cpu_s"] == 30.0 * row["budget"]
        assert row["cost_cheap_cpu_s"] == row["n_cheap"] * (cheap.label_cpu_s + cheap.sampling_cpu_s)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_row_pays_for_its_whole_chain_as_if_nothing_were_shared(strategy: str) -> None:
    t = trained()
    assert len({r.core_s for r in t.results.values()}) == len(t.results)
    row, recipe = t.rows()[strategy], t.recipe(strategy)
    assert row["recipe_core_s"] == sum(t.results[spec.key].core_s for spec in recipe.stages)
    assert row["stage_keys"].split() == [spec.key for spec in recipe.stages]
    assert row["val_force_mae_ev_ang"] == t.results[recipe.stages[-1].key].val_force_mae_ev_ang


def test_bias_columns_come_from_the_weighted_stage() -> None:
    t = trained()
    rows = t.rows()
    stage = t.results[t.recipe("asteroid").stages[1].key]
    row = rows["asteroid"]
    assert (row["gamma_rel"], row["gamma_ev_ang"]) == (0.5, stage.gamma_ev_ang)
    assert row["gamma_ev_ang"] == pytest.approx(0.5 * row["bias_median_ev_ang"], rel=1e-12)
    assert row["bias_p10_ev_ang"] < row["bias_median_ev_ang"] < row["bias_p90_ev_ang"]
    assert 1 <= row["effective_sample"] == stage.effective_sample <= 18
    for name in ("accurate_only", "cheap_only", "pretrain_finetune"):
        assert math.isnan(rows[name]["bias_median_ev_ang"])
        assert math.isnan(rows[name]["effective_sample"])
    assert rows["cheap_only"]["gamma_ev_ang"] == rows["pretrain_finetune"]["gamma_ev_ang"] == math.inf
    assert math.isnan(rows["accurate_only"]["gamma_ev_ang"])


def test_what_a_prediction_costs_is_measured_once_per_model_and_size() -> None:
    rows = trained().rows()
    seconds = {row["use_cpu_s_per_frame"] for row in rows.values()}
    assert len(seconds) == 1, "four networks of one size"
    assert 0 < seconds.pop() < 1


def test_doubts_of_every_stage_of_a_chain_reach_its_row() -> None:
    t = trained()
    chain = t.recipe("asteroid").stages
    known = {key: replace(result, warnings=()) for key, result in t.results.items()}
    known[chain[0].key] = replace(known[chain[0].key], warnings=("first", "second"))
    known[chain[1].key] = replace(known[chain[1].key], warnings=("third",))
    rows = t.rows(known)
    assert rows["asteroid"]["warnings"] == "first; second; third"
    assert (rows["accurate_only"]["warnings"], rows["pretrain_finetune"]["warnings"]) == ("first; second", "")


def test_rows_fit_the_schema() -> None:
    rows = trained().rows()
    assert all(set(row) == {*COLUMNS, *LEVEL_COLUMNS} for row in rows.values())
    assert len(results_frame(list(rows.values()))) == 4


def test_rows_appear_when_their_last_stage_is_finished() -> None:
    t = trained()
    assert t.rows({}) == {}
    known: dict[str, StageResult] = {}
    seen = []
    for kind in ("identify", "pretrain", "finetune"):
        known |= {key: r for key, r in t.results.items() if r.spec["kind"] == kind}
        seen.append(sorted(t.rows(known)))
    assert seen == [["accurate_only"], ["accurate_only", "cheap_only"], sorted(STRATEGIES)]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_chain_that_failed_has_a_row_that_says_so(failing: int) -> None:
    t = trained()
    chain = t.recipe("asteroid").stages
    known = {key: r for key, r in t.results.items() if key not in {s.key for s in chain[failing + 1 :]}}
    known[chain[failing].key] = replace(known[chain[failing].key], status="planted", val_force_mae_ev_ang=math.inf)
    rows = t.rows(known)
    row = rows["asteroid"]
    assert row["status"] == "planted"
    assert math.isnan(row["test_force_mae_ev_ang"])
    assert math.isnan(row["gamma_ev_ang"]) == (failing == 0), "never inf: that would be a row without weights"
    assert row["recipe_core_s"] == sum(known[s.key].core_s for s in chain[: failing + 1])
    assert rows["pretrain_finetune"] == t.rows()["pretrain_finetune"]
    assert rows["accurate_only"]["status"] == ("planted" if failing == 0 else "ok")


def test_rows_made_bit_by_bit_are_those_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model predicts the test set once, however often rows are made, and to the same bits."""
    t = trained()
    asked: list[str] = []
    predict = rows_module.predict_chain

    def counted(*given: Any) -> Any:
        asked.extend(spec.key for spec in given[3])
        return predict(*given)

    monkeypatch.setattr(rows_module, "predict_chain", counted)
    maker, known = RowMaker(t.workload, t.bank, t.costs), {}
    for key, result in t.results.items():
        known[key] = result
        maker.make(known)
    assert sorted(asked) == sorted({recipe.stages[-1].key for recipe in t.workload.recipes})
    assert repr(maker.make(known)) == repr(RowMaker(t.workload, t.bank, t.costs).make(t.results)), "NaN equals NaN here"
