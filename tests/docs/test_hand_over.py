"""The page about labels computed elsewhere: its templates are filled, its script reads what a program has written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase.build import molecule
from ase.units import Bohr, Hartree

from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from study.buying.input_files import read_template, render_input

PAGE = (Path(__file__).parents[2] / "docs" / "hand_over.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"[Ss]ave as `([^`]+)`[^`]*?```\w+\n(.*?)```", PAGE, re.DOTALL))
ENDED = """
 !RHF STATE 1.1 Energy                -76.026799123456
 !CCSD total energy                   -76.238111123456
 !CCSD(T) total energy                -76.241204928473

 CCSD(T) GRADIENT FOR STATE 1.1

 Atom          dE/dx               dE/dy               dE/dz

   1         0.000000000         0.000000000         0.012345678
   2         0.000000000         0.003000000        -0.006172839
   3         0.000000000        -0.003000000        -0.006172839

 Nuclear force contribution to virial =    0.0
"""


def test_templates_are_filled(tmp_path: Path) -> None:
    water = molecule("H2O")
    for name in ("orca.inp.jinja", "molpro.com.jinja"):
        (tmp_path / name).write_text(FILES[name])
        text = render_input(read_template(tmp_path / name), "g00000", water.numbers, water.positions, 0, 0)
        assert "{{" not in text
        assert len(re.findall(r"^[OH] +-?\d", text, re.MULTILINE)) == 3


def test_outputs_of_molpro_become_labels(tmp_path: Path) -> None:
    water = molecule("H2O")
    (tmp_path / "molpro.com.jinja").write_text(FILES["molpro.com.jinja"])
    (tmp_path / "molpro_labels.py").write_text(FILES["molpro_labels.py"])
    template = read_template(tmp_path / "molpro.com.jinja")
    for name, output in (("g00000", ENDED), ("g00001", ENDED[: ENDED.index("   3  ")])):
        (tmp_path / f"{name}.com").write_text(render_input(template, name, water.numbers, water.positions, 0, 0))
        (tmp_path / f"{name}.out").write_text(output)
    subprocess.run([sys.executable, "molpro_labels.py", "."], cwd=tmp_path, check=True)
    assert not (tmp_path / "g00001.extxyz").exists(), "a job that did not end is no label"
    labels = read_labels(tmp_path / "g00000.extxyz", Declaration(level="ccsd_t/cc-pvtz")).labels
    assert labels.energy is not None
    assert labels.forces is not None
    np.testing.assert_allclose(labels.positions[0], water.positions, atol=1e-9)
    np.testing.assert_allclose(labels.energy, -76.241204928473 * Hartree)
    np.testing.assert_allclose(labels.forces[0, 0], [0, 0, -0.012345678 * Hartree / Bohr])
