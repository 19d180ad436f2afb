"""What is installed: one distribution, four packages, one command, light analysis."""

from __future__ import annotations

import graphlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import grimp
import pytest
import yaml

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


def test_every_command_is_shown_on_a_page() -> None:
    from sweeps.cli import app

    pages = "".join(page.read_text() for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"asteroid-study {command.name or command.callback.__name__.replace('_', '-')}" in pages


def test_a_wheel_has_data_presets_templates_and_scripts_and_a_source_archive_what_makes_it(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:  # an archive without its history
        pytest.skip("needs a git checkout")
    source = tmp_path / "source"
    for name in tracked:
        if name.split("/")[0] not in ("tests", "benchmarks", "docs") and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    own = {**os.environ, "PYTHONPATH": ""}
    for what in ("sdist", "wheel"):  # a process each, as a front end has
        code = f"import sys; from setuptools import build_meta as b; b.build_{what}(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, tmp_path], cwd=source, env=own, capture_output=True, check=True)
    (wheel,), (archive,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    inside = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    packages = ("asteroid/", "study/", "analysis/", "sweeps/")
    wanted = {name for name in tracked if name.startswith(packages) and not name.endswith("README.md")}
    assert wanted <= inside
    assert wanted | {"pyproject.toml", "LICENSE", "README.md"} <= packed
    assert {name.split("/")[0] for name in inside if ".dist-info" not in name} == {own[:-1] for own in packages}


def test_the_version_stands_in_one_place_and_is_semantic() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert metadata.version("asteroid-study") == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert "version" not in citation
    assert citation["license"] == project["license"]


def test_the_image_takes_versions_from_the_constraints() -> None:
    recipe = (ROOT / "Dockerfile").read_text()
    assert not re.findall(r"[=<>]=\d", recipe)
    assert "grep '^torch==' /tmp/constraints.txt" in recipe
    for source in re.findall(r"^COPY (?!--from)(\S+) ", recipe, re.MULTILINE):
        assert (ROOT / source).exists()
