"""The command `plan`, as a user types it, on a run folder that was written without training."""

import json
import shutil

import numpy as np
import pytest
from command_line import answer
from typer.testing import CliRunner

from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame, write_results
from sweeps.cli import app

PRICES = PriceList(
    "ccsd_t/cc-pvdz",
    "gfn2-xtb",
    {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.002, "card", 0.018)},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for strategy, n_cheap, scale, slope in (
        ("accurate_only", 0, 0.1, 0.6),
        ("pretrain_finetune", 500, 0.04, 0.3),
        ("pretrain_finetune", 4000, 0.03, 0.25),
    ):
        for budget in (20, 40, 80, 160, 320, 500):
            for seed in range(3):
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "n_cheap": n_cheap, "budget": budget, "seed": seed, "status": "ok"}
                error = scale * (budget / 20) ** -slope * np.exp(0.05 * rng.normal())
                values |= {"gamma_rel": np.inf if n_cheap else np.nan, "n_test": 300, "recipe_core_s": 3.0}
                values |= {"cost_accurate_cpu_s": 28.0 * budget, "cost_cheap_cpu_s": 0.02 * n_cheap}
                values |= {"test_energy_free_mae_ev": 2 * error}
                rows.append(values | {"test_force_mae_ev_ang": error, "use_cpu_s_per_frame": 1e-4})
    run = tmp_path_factory.mktemp("run")
    write_results(results_frame(rows), run)
    manifest = {"prices": PRICES.to_json(), "level_accurate": "ccsd_t/cc-pvdz", "pool_size": 1000, "rows": len(rows)}
    manifest["ledger"] = {"accurate_labels_assumed_bought": 900, "accurate_cpu_s": 25200.0}
    (run / "manifest.json").write_text(json.dumps(manifest | {"molecule": "CH4O"}))
    return run


def ask(folder, *words):
    result = CliRunner().invoke(app, ["plan", str(folder), *words])
    return result.exit_code, result.output


def test_a_target_with_use_and_owned_labels(folder):
    words = ("--target", "22 meV/A", "--md-steps", "1e7", "--already", "CCSD_T/cc-pVDZ=30")
    code, text = ask(folder, *words)
    assert code == 0
    assert "30 of them owned" in text
    assert "1e+07 MD steps" in text
    assert "of their means lie in its 90 % bands" in text
    assert "Learned from a study of 900 accurate labels (7 h)" in text
    data = json.loads(ask(folder, *words, "--json")[1])
    assert data["schema_version"] == 2
    assert data["already"] == {"ccsd_t/cc-pvdz": 30}
    assert data["use"]["total_cpu_s"] == 1000.0
    assert data["surface"]["held_out"]["budgets"] == [500]


def test_a_target_on_energies_is_planned_as_one_on_forces(folder):
    # Energy errors (eV) are twice the force errors (eV/Å) in this table, and methanol has six atoms.
    forces = json.loads(ask(folder, "--target", "22 meV/A", "--json")[1])
    energies = json.loads(ask(folder, "--target", f"{44 / 6!r} meV/atom", "--json")[1])
    assert energies.pop("target") == {"energy_mae_ev_per_atom": pytest.approx(0.044 / 6)}
    assert forces.pop("target") == {"force_mae_ev_ang": pytest.approx(0.022)}
    for name in ("n_accurate", "strategy", "n_cheap", "probability"):
        assert energies[name] == forces[name]


def test_documented_fields_are_those_that_are_printed(folder, request):
    schema = (request.config.rootpath / "docs" / "plan.md").read_text(encoding="utf-8")
    for words in (["--target", "22 meV/A"], ["--budget", "1h"], ["--target", "22 meV/A", "--next", "2"]):
        data = json.loads(ask(folder, *words, "--json")[1])
        flat = {*data, *(data.get("choice") or {}), *(data["runs"][0] if "runs" in data else {})}
        assert {name for name in flat if f"`{name}`" not in schema} <= {"schema_version"}


def test_a_price_and_the_next_runs(folder):
    code, text = ask(folder, "--budget", "2h", "--force-unit", "meV/A")
    assert code == 0
    assert text.startswith("Smallest error for 2 h of CPU:")
    assert "meV/" in text
    code, text = ask(folder, "--target", "22 meV/A", "--next", "2")
    assert code == 0
    assert text.count("takes") == 2


def test_the_study_s_own_labels_are_told_at_the_price_given(folder):
    text = ask(folder, "--target", "22 meV/A", "--price", "ccsd_t/cc-pvdz=1h")[1]
    assert "Learned from a study of 900 accurate labels (38 d)" in text


def test_json_for_programs(folder):
    code, text = ask(folder, "--target", "22 meV/A", "--json")
    assert code == 0
    plan = json.loads(text)
    keys = {"schema_version", "strategy", "n_accurate", "n_cheap", "cost", "interval", "probability", "status"}
    assert keys <= plan.keys()
    assert plan["probability"] >= 0.9


def test_what_cannot_be_promised(folder):
    code, text = ask(folder, "--target", "0.0001 kcal/mol/A")
    assert code == 0
    assert text.startswith("Cannot be promised")
    assert json.loads(ask(folder, "--target", "0.0001 kcal/mol/A", "--json")[1])["status"] == ["cannot_be_promised"]


def test_a_price_on_the_command_line_scales_the_cost(folder):
    costs = []
    for price in ("10s", "20s"):
        words = ("--target", "40 meV/A", "--json", "--price", f"ccsd_t/cc-pvdz={price}")
        options = json.loads(ask(folder, *words)[1])["alternatives"]
        costs.append(next(o["cost"]["accurate_cpu_s"] for o in options if o["strategy"] == "accurate_only"))
    assert costs[1] == pytest.approx(2 * costs[0])
    assert costs[0] > 0


def test_an_unfinished_run_is_noted_but_not_in_json(folder, tmp_path):
    run = shutil.copytree(folder, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"rows": 99}))
    code, _, err = answer("plan", str(run), "--target", "22 meV/A")
    assert (code, err) == (0, "note: the run is not finished: 54 of 99 rows\n")
    assert answer("plan", str(run), "--target", "22 meV/A", "--json")[2] == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "give --target or --budget"),
        (["--target", "22 meV/A", "--budget", "1h"], "give --target or --budget"),
        (["--budget", "1h", "--next", "2"], "give --target as well"),
        (["--budget", "much"], "much"),
        (["--target", "0.5"], "needs a unit"),
        (["--target", "0.5 kcal/mol/atom/A"], "unit"),
        (["--target", "1 kcal/mol/A", "--price", "mp2=3s"], "no labels of level 'mp2'"),
        (["--target", "1 kcal/mol/A", "--price", "ccsd_t/cc-pvdz"], "LEVEL=TIME"),
        (["--target", "1 kcal/mol/A", "--confidence", "1.5"], "1.5"),
        (["--target", "22 meV/A", "--already", "mp2=3"], "no labels of level 'mp2'"),
        (["--target", "22 meV/A", "--already", "gfn2-xtb"], "LEVEL=NUMBER"),
        (["--target", "22 meV/A", "--already", "gfn2-xtb=-2"], "LEVEL=NUMBER"),
        (["--target", "22 meV/A", "--md-steps", "-5"], "at least 0"),
        (["--target", "22 meV/A", "--next", "0"], "at least 1"),
    ],
)
def test_mistakes_get_one_line(folder, words, says):
    code, text = ask(folder, *words)
    assert code == 2
    assert says in text
    assert text.strip().count("\n") == 0
