"""Models out of a run: the row that was asked for, its seeds as committee, predictions as in the run."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tiny_sweep import copy_of

from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes
from asteroid.stages.predict_chain import predict_chain
from study.data.load import CheapData
from study.engine.store import StageStore
from study.export import run_model
from study.export.run_model import Choice, choose_rows, run_force_field
from study.recipes.frames import describe_frames
from study.tables.results import read_results

if TYPE_CHECKING:
    from study.recipes.workload import Workload

PRETRAINED = Choice("pretrain_finetune", 15)


def test_a_model_predicts_what_the_run_has_predicted(tiny_run: Path, tiny_workload: Workload) -> None:
    field = run_force_field(tiny_run, PRETRAINED)
    data = tiny_workload.data
    bank = describe_frames(tiny_workload, tiny_workload.stages.values())
    recipe = next(r for r in tiny_workload.recipes if (r.strategy, r.budget, r.seed) == ("pretrain_finetune", 15, 0))
    store = StageStore(tiny_run / "store")
    models = {spec.key: store.load(spec.key).model for spec in recipe.stages}
    rows = bank.rows_of(data.test.level, content_hashes(data.test))
    ours = predict_chain(bank, data.test.level, rows, [recipe.stages[-1]], models)
    energy, forces = field.predict(data.test.numbers, data.test.positions)
    assert energy == pytest.approx(ours.energy[0].numpy(), abs=1e-5)
    assert torch.as_tensor(forces).flatten(1).numpy() == pytest.approx(ours.forces[0].numpy(), abs=1e-4)
    train, val = tiny_workload.builder.bought(15, 0)
    assert field.card.training.label_hashes == (*train.hashes, *val.hashes)
    assert field.card.training.stage_keys == tuple(spec.key for spec in recipe.stages)
    assert len(field.trained_on) == 15
    assert field.card.error.measured_by == "test labels"
    assert field.card.error.n_frames == len(data.test)


def test_other_seeds_are_the_committee(tiny_run: Path) -> None:
    assert not run_force_field(tiny_run, PRETRAINED).committee  # there is one more seed: no spread
    with pytest.raises(InputError, match="there are 1 further models"):
        run_force_field(tiny_run, Choice("pretrain_finetune", 15, committee=2))
    with pytest.raises(InputError, match="at least 2 members"):
        run_force_field(tiny_run, Choice("pretrain_finetune", 15, committee=1))


def test_rows_are_chosen_by_what_is_given_and_then_by_error(tiny_run: Path) -> None:
    table = read_results(tiny_run)
    rows = choose_rows(table, Choice())
    assert set(rows["budget"]) == {15}
    assert list(rows["seed"]) == [0, 1]
    curves = table[table["budget"] == 15].groupby(["strategy", "gamma_rel"], dropna=False)["test_force_mae_ev_ang"]
    assert rows["test_force_mae_ev_ang"].mean() == pytest.approx(curves.mean().min())
    assert set(choose_rows(table, Choice("asteroid", gamma_rel=1.0))["gamma_rel"]) == {1.0}
    with pytest.raises(InputError, match="no finished row with budget 12, it has 0, 10, 15"):
        choose_rows(table, Choice(budget=12))


def test_a_model_of_cheap_labels_alone(tiny_run: Path) -> None:
    field = run_force_field(tiny_run, Choice("cheap_only"))
    assert field.level == "gfn2-xtb"
    assert field.card.training.n_labels == 0
    assert len(field.trained_on)


def test_changed_labels_and_lost_stages_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_run, tmp_path)
    sweep = folder / "sweep.yaml"
    own = Path(shutil.copytree(_label_folder(sweep), tmp_path / "labels"))
    with np.load(own / "accurate.npz") as stored:
        arrays = dict(stored)
    np.savez(own / "accurate.npz", **{**arrays, "E": arrays["E"] + 1e-3})
    text = sweep.read_text()
    sweep.write_text(text.replace(str(_label_folder(sweep)), str(own)))
    with pytest.raises(InputError, match="not those that the model was trained on"):
        run_force_field(folder, PRETRAINED)
    sweep.write_text(text)
    for stage in (folder / "store").iterdir():
        shutil.rmtree(stage)
    with pytest.raises(InputError, match="missing or damaged"):
        run_force_field(folder, PRETRAINED)


def _label_folder(sweep: Path) -> Path:
    line = next(line for line in sweep.read_text().splitlines() if "accurate.npz" in line)
    return Path(line.partition("file:")[2].strip()).parent


def test_a_study_with_paired_cheap_labels_only_has_no_frames_to_calibrate_on() -> None:
    labels = load_methanol().accurate.select(np.arange(3))
    workload, cheap = SimpleNamespace(), CheapData(labels.select([]))
    assert len(run_model._held_out(workload, cheap, labels, 0, 0)) == 0  # type: ignore[arg-type]
