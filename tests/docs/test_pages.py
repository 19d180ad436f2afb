"""Every command on a page is run as it stands there, at a small size; the few that are not are named, with the reason.

Sizes are replaced one by one, and each must be on a page, so that a page cannot change behind this test.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import typer
import yaml
from ase import Atoms
from ase.io import write
from command_line import call
from drawn_run import draw_only_svg
from exported_folder import write_model

from asteroid.datasets import load_methanol
from asteroid.io.write import write_labels
from asteroid.units import KCAL_PER_MOL_EV
from study.config.schema import file_schema
from sweeps.cli import app

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
#: Commands that need something beside this package, by how they begin, and what that is.
OUTSIDE = {
    "make ": "an environment of its own; tests run inside of one",
    "python3 -m venv ": "an environment of its own",
    ".venv/bin/pip ": "a package registry",
    "pip ": "a package registry",
    "mace_env/bin/pip ": "a package registry",
    "asteroid-study run mace.yaml": "MACE in an environment of its own",
    "asteroid-study calibrate methanol.xyz --levels gfn2-xtb,my_models:mace": "MACE",
    "asteroid-study label pool.npz --level my_models:mace": "MACE",
    "asteroid-study sample methanol.xyz --level so3lr": "So3krates-torch",
    "asteroid-study rank-cheap labels.npz --levels gfn1-xtb,gfn2-xtb,so3lr": "So3krates-torch",
    "optuna-dashboard ": "a program that is not required",
    "cd /shared": "a file system that nodes share",
    "python -c ": "the same; it writes a token",
    "export ": "the same; it names the token",
    "ray ": "two nodes; test_cluster.py checks the options",
    "sbatch ": "Slurm; test_cluster.py checks the script",
    "tail ": "a log of Slurm",
    "asteroid-study run my_sweep.yaml": "a Ray cluster",
    "asteroid-study status runs/my_sweep": "a run on the cluster",
    "asteroid-study run sweep.yaml": "a GPU",
}
#: Commands that another test runs at a small size, and that test.
ELSEWHERE = {
    f"asteroid-study {command}": f"tests/{test}"
    for command, test in {
        "check study.yaml": "sweeps/commands/test_check.py::test_check_says_what_a_run_will_do_and_writes_nothing",
        "check quickstart": "sweeps/commands/test_check.py::test_check_says_what_a_run_will_do_and_writes_nothing",
        "run quickstart": "study/run/test_run.py::test_the_table_is_complete_and_valid",
        "init --geometry": "sweeps/commands/test_init.py::test_one_geometry_is_enough",
        "buy thioformaldehyde.yaml": "docs/test_tutorial.py::test_the_tutorial_runs_as_written",
        "buy methanol.yaml": "sweeps/commands/test_buy.py::test_an_easy_target_is_met_at_once",
        "status methanol": "sweeps/commands/test_buy.py::test_status_shows_rounds_and_certificate",
        "export methanol": "study/export/test_purchase_model.py::test_the_delivered_model_with_its_folds",
        "plot runs/methanol": "sweeps/commands/test_plot.py::test_several_runs_get_their_own_figures_and_bars_together",
        "rank-cheap labels.npz --levels gfn2-xtb": "sweeps/commands/test_rank_cheap.py::test_candidates_side_by_side",
        "check-model": "sweeps/commands/test_check_model.py::test_frequencies_beside_a_level",
        "serve": "sweeps/commands/test_serve.py::test_forces_over_a_socket",
        "run two_methods.yaml": "docs/test_levels.py::test_two_cheap_methods_compete",
        "plan runs/two_methods": "docs/test_levels.py::test_two_cheap_methods_compete",
        "label pool.npz --level gfn1-xtb": "docs/test_levels.py::test_two_cheap_methods_compete",
        "run ladder": "docs/test_levels.py::test_a_ladder_is_run_planned_and_drawn",
        "plan runs/ladder": "docs/test_levels.py::test_a_ladder_is_run_planned_and_drawn",
        "report runs/ladder": "docs/test_levels.py::test_a_ladder_is_run_planned_and_drawn",
        "buy buy_two_methods.yaml": "study/buying/test_purchase.py::test_two_cheap_levels_compete",
        "buy ladder": "sweeps/test_purchases.py::test_a_ladder_is_bought",
        "status ladder": "sweeps/test_purchases.py::test_a_ladder_is_bought",
        "report ladder": "analysis/report/test_purchase_report.py::test_rounds_of_a_ladder_count_the_labels_between",
        "run own.yaml": "docs/test_models.py::test_a_model_of_ones_own_trains",
        "run start.yaml": "docs/test_models.py::test_a_model_of_ones_own_trains",
        "check own.yaml": "docs/test_models.py::test_a_model_of_ones_own_trains",
    }.items()
}
#: What makes the others small; all else stays as it is.
SMALLER = {
    " --workers 2": "",
    '--plan "0.3 kcal/mol/A"': '--plan "30 kcal/mol/A"',
    "--strategy residual --budget 50": "--strategy pretrain_finetune --budget 16",
    "--time 50ps": "--time 4fs --equilibration 0fs --timestep 0.2fs --every 1fs",
    "--time 100ps": "--time 4fs --equilibration 0fs --timestep 0.2fs --every 1fs",
    "gfn2-xtb,mp2/cc-pvdz,ccsd_t/cc-pvdz": "gfn2-xtb,hf/sto-3g",
    "--temperature 500 --frames 2000": "--temperature 500 --frames 3 --every 1fs --equilibration 1fs",
    "--replicas 4 --frames 5000": "--replicas 2 --frames 3 --every 1fs --equilibration 1fs",
    "--level ccsd_t/cc-pvdz --n 200": "--level hf/sto-3g --n 2",
    "ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)": "hf/sto-3g + mp2/(3-21g - sto-3g)",
    " --n 200 --out labels.npz": " --n 2 --out labels.npz",
}
SMALL_STUDY = {"budgets": [16, 20, 24, 28], "n_cheap": [40], "seeds": [0, 1], "model": {"hidden": 8}}


def commands(page: str) -> list[str]:
    """Commands in the blocks of a page, without comments; a script that the page shows is a file, not a command."""
    blocks = re.findall(r"```(?:console|bash)\n(?!#!)(.*?)```", PAGES[page], re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines if line.strip()]


def is_run_here(command: str) -> bool:
    return not command.startswith((*OUTSIDE, *ELSEWHERE))


def small(command: str) -> list[str]:
    for size, smaller in SMALLER.items():
        command = command.replace(size, smaller)
    return shlex.split(command)[1:]


def shrink(sweep_file: Path) -> None:
    """Make what `init` has written trainable in a second."""
    study = yaml.safe_load(sweep_file.read_text())
    study |= {key: value for key, value in SMALL_STUDY.items() if key in study or key == "model"}
    study["strategies"] = ["accurate_only", "pretrain_finetune"]
    for schedule in (study["identify"], study["pretrain"], *study["finetune"].values()):
        schedule |= {"steps": 20, "validations": 2}
    sweep_file.write_text(yaml.safe_dump(study))


def write_tables(folder: Path) -> None:
    rng = np.random.default_rng(0)
    counts = (20, 40, 80, 160, 320, 640)
    rows = [
        {"strategy": "mace", "n_train": n, "seed": seed, "force_mae": n**-0.5 * np.exp(0.05 * rng.normal())}
        for n in counts
        for seed in range(3)
    ]
    pd.DataFrame(rows).to_csv(folder / "errors.csv", index=False)
    means = [{"n": n, "rmse": 500 * n**-0.5, "sd": 0.05 * 500 * n**-0.5, "runs": 3} for n in counts]
    pd.DataFrame(means).to_csv(folder / "published.csv", index=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages speak of, in which the README's study has been run."""
    root = tmp_path_factory.mktemp("pages")
    methanol = load_methanol()
    accurate, cheap = methanol.accurate.select(range(0, 1360, 6)), methanol.cheap.select(range(0, 20000, 50))
    files = {"ccsd_t.npz": accurate, "pool.xyz": cheap, "pool.npz": cheap, "pool_xtb.npz": cheap}
    for name, labels in files.items():
        write_labels(labels, root / name)
    for name, labels in files.items():
        card = {"price_cpu_s": 28.0 if labels is accurate else 0.002, "temperature_k": 500}
        (root / name).with_suffix(".meta.json").write_text(json.dumps(card))
    kcal = {"E": accurate.energy / KCAL_PER_MOL_EV, "F": accurate.forces / KCAL_PER_MOL_EV}
    np.savez(root / "bare.npz", z=accurate.numbers, R=accurate.positions, **kcal)
    write_model(root)
    frame = Atoms(cheap.numbers, cheap.positions[0])
    for name in ("methanol.xyz", "thioformaldehyde.xyz"):
        write(root / name, frame, format="extxyz")
    several = [Atoms(cheap.numbers, positions) for positions in cheap.positions[:3]]
    write(root / "geometries.xyz", several, format="extxyz")
    shutil.copytree(root / "model", root / "thioformaldehyde" / "model")
    write_tables(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        draw_only_svg(patch)
        run("README.md")
    for name in ("quickstart", "methanol", "ethanol"):
        shutil.copytree(root / "runs" / "study", root / "runs" / name)
    return root


def run(page: str) -> None:
    """Run the commands of a page in the current folder; those of the README have been run."""
    done = set() if page == "README.md" else set(commands("README.md"))
    for command in filter(is_run_here, commands(page)):
        if command in done:
            continue
        words = small(command)
        if words[0] in ("init", "label", "sample"):
            Path(words[words.index("--out") + 1]).unlink(missing_ok=True)
        result = call(*words)
        assert result.exit_code == 0, f"{page}: {command}\n{result.output}"
        if words[0] == "init":
            shrink(Path(words[words.index("--out") + 1]))


OTHERS = [name for name in sorted(PAGES) if name not in ("README.md", "tutorial.md")]


@pytest.mark.parametrize("page", [name for name in OTHERS if any(map(is_run_here, commands(name)))])
def test_commands_run(page: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("md")))
    draw_only_svg(monkeypatch)
    run(page)


@pytest.mark.parametrize("page", ["api.md", "use.md"])
def test_python_runs(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other pages with Python have a test of their own; LAMMPS is a program that is not required."""
    monkeypatch.chdir(folder)
    blocks = [block for block in re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL) if "lammps" not in block]
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})


def test_the_readme_ran(folder: Path) -> None:
    assert (folder / "runs" / "study" / "report.html").is_file()
    assert (folder / "md" / "summary.json").is_file()


@pytest.mark.parametrize("page", sorted(PAGES))
def test_options_exist(page: str) -> None:
    subcommands = typer.main.get_command(app).commands
    for command in commands(page):
        if not command.startswith("asteroid-study "):
            assert command.startswith(tuple(OUTSIDE)), f"{page}: {command} is neither run nor named"
            continue
        words = shlex.split(command)
        known = {option for parameter in subcommands[words[1]].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, f"{page}: {command}"


def test_the_lists_are_up_to_date() -> None:
    every = [command for page in PAGES for command in commands(page)]
    for start in (*OUTSIDE, *ELSEWHERE):
        assert any(command.startswith(start) for command in every), f"no page has {start!r} any more"
    for size in SMALLER:
        assert any(size in command for command in filter(is_run_here, every)), f"no page has {size!r} any more"
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


YAML_BLOCKS = [
    (name, number, block)
    for name, page in sorted(PAGES.items())
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return file_schema()


@pytest.mark.parametrize(("page", "number", "block"), YAML_BLOCKS)
def test_files_are_valid(page: str, number: int, block: str, schema: dict[str, Any]) -> None:
    """Whole files by the schema, pieces of files by the keys of its sections."""
    given = yaml.safe_load(block)
    kinds = {} if "name" in given else schema["$defs"]["BuyStudy" if "buy" in given else "Sweep"]["properties"]
    for key, value in given.items() if kinds else [("", given)]:
        validator = jsonschema.Draft202012Validator({**kinds[key], "$defs": schema["$defs"]} if kinds else schema)
        assert not list(validator.iter_errors(value)), f"{page}, block {number}: {key}"
