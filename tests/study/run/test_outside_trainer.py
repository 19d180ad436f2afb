"""A sweep whose models an outside program trains: its rows, its seconds, and what a second start leaves alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import outside_trainer
import pytest
import yaml
from tiny_sweep import Counting, quiet, run, sweep_of, write_labels

from study.forecast.count import make_forecast
from study.forecast.measure import measure
from study.recipes.workload import make_workload
from study.run.run import run_workload

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = f"{sys.executable} -W error {outside_trainer.__file__}"
MODEL = {
    "architecture": "command",
    "train": f"{PROGRAM} train {{train}} {{valid}} {{model}}",
    "finetune": f"{PROGRAM} train {{train}} {{valid}} {{model}} {{start}}",
    "predict": f"{PROGRAM} predict {{model}} {{frames}} {{predictions}}",
    "energy_key": "my_energy",
    "forces_key": "my_forces",
}
CHANGES = (
    ("model: {hidden: 8}\n", yaml.safe_dump({"model": MODEL}, width=10_000)),
    ("[accurate_only, cheap_only, pretrain_finetune, asteroid]", "[accurate_only, pretrain_finetune]"),
    ("gamma_rel: [1, inf]", "gamma_rel: [inf]"),
    ("budgets: [10, 15]", "budgets: [15]"),
    ("seeds: [0, 1]", "seeds: [0]"),
)


def test_a_sweep_is_run_stopped_and_gone_on_with(tmp_path: Path) -> None:
    write_labels(tmp_path)
    workload = make_workload(sweep_of(tmp_path, *CHANGES))
    assert workload.data.descriptors is None, "nothing is described for programs of others"
    forecast = make_forecast(workload)
    expected = measure(workload, forecast, 1)
    assert (expected.outside_stages, expected.core_s) == (3, 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(workload, tmp_path / "run", Counting(stop_before=2))
    again = Counting()
    table = run_workload(workload, tmp_path / "run", again, quiet, quiet)
    assert sum(again.trained.values()) == 1, "the two that were finished are not trained again"
    assert table["status"].tolist() == ["ok", "ok"]
    assert (table["recipe_core_s"] > 0.2).all()
    assert (table["test_force_mae_ev_ang"] < 0.5).all()
    assert (table["use_cpu_s_per_frame"] >= 0).all()
