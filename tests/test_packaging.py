"""What is installed: one distribution, four packages, one command, light analysis."""

from __future__ import annotations

import graphlib
import importlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["asteroid", "study", "analysis", "sweeps"])
def test_package_names_resolve_to_this_distribution(name: str) -> None:
    # The same names exist on PyPI: an environment with one of those would silently shadow ours.
    assert metadata.packages_distributions()[name] == ["asteroid-study"] * len(metadata.packages_distributions()[name])
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert (Path(module.__file__).parent / "py.typed").is_file()


def test_console_command_is_installed() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="asteroid-study")
    assert script.load().__name__ == "main"


@pytest.mark.parametrize(
    "module",
    ["analysis.plan.labels_for_target", "analysis.figures.learning_curves", "study.tables.results", "sweeps.cli"],
)
def test_light_modules_load_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(m in sys.modules for m in ('torch', 'ray', 'optuna')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_module_imports_itself_by_any_detour() -> None:
    # The contracts look at siblings; this looks at packages and what lies inside them as well, types included.
    graph = grimp.build_graph("asteroid", "study", "analysis", "sweeps")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 200
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError with the circle


def test_constraints_pin_what_is_promised() -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
    )
    assert pins["torch"] == "2.13.0"
    assert {"optuna", "ray", "torch-geometric", "pandas", "matplotlib", "seaborn"} <= pins.keys()


def test_every_command_is_in_the_readme() -> None:
    from sweeps.cli import app

    readme = (ROOT / "README.md").read_text()
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"asteroid-study {command.name or command.callback.__name__.replace('_', '-')}" in readme
