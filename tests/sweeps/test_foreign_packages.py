"""Packages of other distributions in the way of ours are named in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.foreign_packages import foreign_package

ROOT = Path(__file__).parents[2]


def said(code: list[str], *first: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*first, ROOT)))}
    command = [sys.executable, *code]
    return subprocess.run(command, cwd=first[0], env=environment, capture_output=True, text=True, check=False)


def test_ours_are_not_foreign() -> None:
    assert foreign_package() is None


@pytest.mark.parametrize("name", ["asteroid", "study", "analysis"])
def test_another_package_is_named_before_anything_fails(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('not ours')\n")
    done = said(["-m", "sweeps", "--version"], tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: asteroid-study needs its own package '{name}', found another one (")
    assert str(tmp_path / f"{name}.py") in done.stderr
    assert "environment of its own" in done.stderr


def test_python_is_told_as_well(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "__init__.py").touch()
    done = said(["-c", "import sweeps; sweeps.plan"], tmp_path)
    assert "ImportError: asteroid-study needs its own package 'study'" in done.stderr


def test_a_distribution_installed_over_ours_is_told(tmp_path: Path) -> None:
    for name in ("asteroid", "study", "analysis", "sweeps"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    (tmp_path / "analysis" / "caveats.py").unlink()
    done = said(["-m", "sweeps", "--version"], tmp_path)
    assert done.returncode == 2
    assert "found another distribution's in its place" in done.stderr
