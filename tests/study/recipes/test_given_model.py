"""A trained model in the place of pretraining: an export, a stage or a module of one's own, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tiny_sweep import SWEEP, Counting, run, sweep_of, write_labels

from asteroid.deploy.folder import write_force_field
from asteroid.errors import InputError
from study.config.sweep_text import parse_sweep, sweep_plain
from study.engine.store import StageStore
from study.export.run_model import Choice, run_force_field
from study.forecast.count import core_s_of, make_forecast
from study.forecast.warmup import WarmUp
from study.recipes.frames import describe_frames
from study.recipes.given_model import given_model
from study.recipes.workload import make_workload
from study.tables.results import read_results

if TYPE_CHECKING:
    from pathlib import Path

PRETRAIN = "pretrain: {steps: 24, learning_rate: 0.01, validations: 2}"
STRATEGIES = "[accurate_only, cheap_only, pretrain_finetune, asteroid]"
ONE = ("budgets: [10, 15]", "budgets: [10]"), ("seeds: [0, 1]", "seeds: [0]")


def starting_from(source: Path | str, strategies: str = "[pretrain_finetune, residual]", price: str = "") -> tuple:
    return (
        (PRETRAIN, f"pretrain: {{from: {source}{price}}}"),
        (STRATEGIES, strategies),
        ("n_cheap: [40]\n", ""),
        ("gamma_rel: [1, inf]\n", ""),
        *ONE,
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose pretrained network is exported: `labels` beside `run` and `model`."""
    folder = tmp_path_factory.mktemp("given")
    write_labels(folder)
    sweep = sweep_of(folder, (STRATEGIES, "[cheap_only, pretrain_finetune]"), ("[1, inf]", "[inf]"), *ONE)
    run(make_workload(sweep), folder / "run")
    write_force_field(run_force_field(folder / "run", Choice(strategy="cheap_only", committee=0)), folder / "model")
    return folder


def test_fine_tuning_starts_from_an_exported_model(study: Path, tmp_path: Path) -> None:
    sweep = sweep_of(study, *starting_from("model", price=", price: 2h"))
    assert sweep_plain(sweep)["pretrain"] == {"from": str(study / "model"), "price": 7200.0}
    workload, executor = make_workload(sweep), Counting()
    table = run(workload, tmp_path / "run", executor)
    assert (table["status"] == "ok").all()
    assert [pack.kind for pack in executor.packs] == ["finetune", "residual"]
    assert (table["n_cheap"] == 0).all()
    assert (table["cost_cheap_cpu_s"] == 0).all()
    assert (table["recipe_core_s"] > 7200).all(), "what the user states for its pretraining"
    assert (
        "note: strategies with pretraining start from model, which counts as 7200 s of training" in workload.data.card
    )
    # The very network that was exported, trained once for all rows.
    keys = {keys.split()[0] for keys in table["stage_keys"]}
    kept = StageStore(tmp_path / "run" / "store").load(keys.pop()).model
    assert not keys
    given = given_model(str(study / "model"), sweep.model.settings()).model
    assert torch.equal(kept.parameters, given.parameters)
    before = read_results(study / "run")
    ran_here = before[before["strategy"] == "pretrain_finetune"]
    mine = table[table["strategy"] == "pretrain_finetune"]
    np.testing.assert_allclose(mine["test_force_mae_ev_ang"], ran_here["test_force_mae_ev_ang"], rtol=1e-3)
    again = Counting()
    run(make_workload(sweep), tmp_path / "run", again)
    assert not again.packs
    write_force_field(run_force_field(tmp_path / "run", Choice(strategy="residual", committee=0)), tmp_path / "out")


def test_a_stage_is_the_same_model_as_its_export(study: Path) -> None:
    table = read_results(study / "run")
    key = table.loc[table["strategy"] == "cheap_only", "stage_keys"].iloc[0]
    settings = sweep_of(study).model.settings()
    exported, stage = (given_model(str(study / at), settings) for at in ("model", f"run/store/{key}"))
    assert exported.identity == stage.identity
    assert exported.descriptors == stage.descriptors
    other = table.loc[table["strategy"] == "pretrain_finetune", "stage_keys"].iloc[0].split()[-1]
    assert given_model(str(study / f"run/store/{other}"), settings).identity != stage.identity


def test_what_it_will_take_is_counted_without_it(study: Path) -> None:
    workload = make_workload(sweep_of(study, *starting_from("model")))
    forecast = make_forecast(workload)
    bank = describe_frames(workload, workload.stages.values())
    warm_up = WarmUp(bank, forecast.packs, forecast.stages)
    given = next(pack for pack in forecast.packs if pack.kind == "pretrain")
    assert warm_up.core_s(given) == 0
    assert core_s_of(forecast, warm_up.core_s) > 0


def test_a_pretraining_of_earlier_versions_is_written_as_before(study: Path) -> None:
    assert set(sweep_plain(sweep_of(study))["pretrain"]) >= {"steps", "learning_rate"}
    assert "from" not in sweep_plain(sweep_of(study))["pretrain"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (starting_from("model", "[cheap_only]"), "strategy cheap_only is the pretraining alone"),
        (starting_from("model", "[accurate_only]"), "no strategy starts from pretrain.from"),
        (
            (*starting_from("model", "[pretrain_finetune, asteroid]")[:2], ("n_cheap: [40]\n", "")),
            "strategy asteroid weighs the cheap labels of its pretraining",
        ),
        (starting_from("model, steps: 20"), "unknown key 'pretrain.steps': did you mean 'price'? (valid: from, price)"),
        (((PRETRAIN, "pretrain: {stepps: 24, learning_rate: 0.01}"),), "did you mean 'steps'?"),
        (starting_from("nowhere"), "found neither model.json nor stage.json in"),
        ((*starting_from("model"), ("hidden: 8", "hidden: 16")), "hidden 8 (the study: 16): set model: {architecture"),
        (
            (*starting_from("model"), ("model: {hidden: 8}", "model: {architecture: schnet}")),
            "architecture mlp, the study fine-tunes schnet",
        ),
        ((*starting_from("model"), ("n_radial: 4", "n_radial: 5")), "set those under 'descriptors'"),
        (starting_from('"no_such_module:make"'), "gives a torch module, the study fine-tunes mlp"),
    ],
)
def test_what_cannot_be_the_start_is_refused(study: Path, changes: tuple, message: str) -> None:
    with pytest.raises(InputError) as refused:
        make_workload(sweep_of(study, *changes))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


OWN = """
import torch


class Springs(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.stiffness = torch.nn.Parameter(torch.ones(hidden))
        self.register_buffer("length", torch.tensor(1.5))

    def forward(self, positions, numbers, batch):
        i, j = ((batch[:, None] == batch) & ~torch.eye(len(batch), dtype=torch.bool)).nonzero().T
        r = (positions[i] - positions[j]).norm(dim=1)
        energy = self.stiffness.mean() * torch.exp(-r) * (r - self.length) ** 2
        return energy.new_zeros(int(batch[-1]) + 1).index_add(0, batch[i], energy)


def make(hidden: int = 4):
    return Springs(hidden)


def trained():
    made = Springs(4)
    torch.nn.init.constant_(made.stiffness, 3.0)
    return made


def larger():
    return Springs(5)


def longer():
    made = trained()
    made.length += 1
    return made


def broken():
    raise FileNotFoundError("weights.pt")


def nothing():
    return 3
"""


@pytest.fixture
def own(study: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(study)
    (study / "springs_given.py").write_text(OWN)
    text = SWEEP
    for old, new in (
        *starting_from('"springs_given:trained"', "[pretrain_finetune]"),
        ("{hidden: 8}", "{architecture: 'springs_given:make', hidden: 4}"),
    ):
        text = text.replace(old, new)
    return text


def test_a_module_with_its_weights_is_fine_tuned(study: Path, tmp_path: Path, own: str) -> None:
    # At a rate of next to nothing, what comes out is what was given.
    still = own.replace("learning_rate: 0.002", "learning_rate: 1.0e-9")
    table = run(make_workload(parse_sweep(still, "own", study)), tmp_path / "run")
    (keys,) = table["stage_keys"]
    given, tuned = (StageStore(tmp_path / "run" / "store").load(key).model for key in keys.split())
    assert given.parameters.tolist() == [3.0] * 4
    np.testing.assert_allclose(tuned.parameters, given.parameters, atol=1e-5)
    assert tuned.scaling.force_scale_ev_ang.tolist() == [1.0], "its energies are in eV as they are"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("springs_given:larger", "stiffness has the shape [5] instead of [4]"),
        ("springs_given:longer", "other constants than springs_given:make (length)"),
        ("springs_given:broken", "it raised FileNotFoundError (weights.pt)"),
        ("springs_given:nothing", "must return a trained torch.nn.Module, found int"),
        ("springs_given:absent", "has no function 'absent'"),
        ("no_such_module:make", "cannot be imported"),
    ],
)
def test_a_module_that_does_not_fit_is_refused(study: Path, own: str, source: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        make_workload(parse_sweep(own.replace("springs_given:trained", source), "own", study))
    assert message in str(refused.value)
