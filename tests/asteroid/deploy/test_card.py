"""The card says what the record does; reading a model needs what its requirements list and nothing else."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from exported_methanol import force_field

from asteroid.deploy.folder import write_force_field

if TYPE_CHECKING:
    from pathlib import Path

NOT_NEEDED = {
    "optuna",
    "ray",
    "pandas",
    "pyarrow",
    "typer",
    "matplotlib",
    "seaborn",
    "sgdml",
    "torch_geometric",
    "tblite",
}


def test_card_and_requirements(tmp_path: Path) -> None:
    write_force_field(force_field(), tmp_path / "model")
    card = (tmp_path / "model" / "card.md").read_text()
    assert "- Level: ccsd_t/cc-pvdz\n" in card
    assert "- Force MAE: 0.461 kcal/mol/Å, 90 % interval [0.231, 0.692] (test labels, 9 frames)\n" in card
    assert "- Committee: 2 models (other seeds)\n" in card
    assert "- Atoms, in this order: C O H H H H\n" in card
    needed = (tmp_path / "model" / "requirements.txt").read_text().split()
    assert needed == ["ase", "numpy", "psutil", "pydantic", "safetensors", "scipy", "torch>=2.13.0"]


def test_a_prediction_loads_nothing_that_is_not_required(tmp_path: Path) -> None:
    write_force_field(force_field(), tmp_path / "model")
    code = (
        "import sys; from asteroid.deploy.calculator import asteroid_model;"
        "field = asteroid_model(sys.argv[1]).force_field;"
        "known = field.trained_on; field.predict(known.numbers, known.positions[:1]);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model")], capture_output=True, text=True, check=True
    )
    assert NOT_NEEDED.isdisjoint(done.stdout.split())
