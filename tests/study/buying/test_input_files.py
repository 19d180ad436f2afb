"""Input files from a template: placeholders, endings, and mistakes in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asteroid.errors import InputError
from study.buying.input_files import input_suffix, read_template, render_input

WATER = np.array([8, 1, 1]), np.array([[0.0, 0.0, 0.1173], [0.0, 0.7572, -0.4692], [0.0, -0.7572, -0.4692]])


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("orca.inp.jinja", ".inp"), ("psi4.dat", ".dat"), ("molpro.com.j2", ".com"), ("template", ".inp")],
)
def test_the_ending_is_the_templates_own(name: str, suffix: str) -> None:
    assert input_suffix(Path(name)) == suffix


def written(tmp_path: Path, text: str) -> str:
    (tmp_path / "a.inp").write_text(text)
    return render_input(read_template(tmp_path / "a.inp"), "g00007", *WATER, charge=1, unpaired=2)


def test_placeholders(tmp_path: Path) -> None:
    text = (
        "{{ name }} {{ charge }} {{ multiplicity }} {{ n_atoms }}\nmolecule {\n{{ elements_and_positions_bohr }}\n}\n"
    )
    lines = written(tmp_path, text).splitlines()
    assert lines[0] == "g00007 1 3 3"
    assert lines[2].split()[0] == "O"
    np.testing.assert_allclose(np.array(lines[3].split()[1:], dtype=float) * 0.529177, WATER[1][1], atol=1e-5)
    looped = written(tmp_path, "{% for s, x, y, z in atoms_ang %}{{ s }}={{ '%.3f' % y }};{% endfor %}")
    assert looped == "O=0.000;H=0.757;H=-0.757;"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no geometry here\n", "must say where the geometry goes"),
        ("{{ elements_and_positions_ang\n", "must be a template"),
        ("{{ elements_and_positions_ang }} {{ spin }}", "names something unknown"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        written(tmp_path, text)


def test_no_template(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be readable text"):
        read_template(tmp_path / "none.inp")
