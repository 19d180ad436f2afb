"""The command `check-model`: frequencies beside a level, as lines and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from command_line import answer
from springs_force_field import springs_force_field

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_frequencies_beside_a_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asteroid.deploy.folder.read_force_field", lambda _: springs_force_field())
    words = ("check-model", str(tmp_path), "--level", "gfn2-xtb", "--nve", "0ps")
    code, said, _ = answer(*words)
    assert code == 0
    assert "1/cm off on average" in said
    assert "(the model stands for ccsd_t/cc-pvdz)" in said
    assert "NVE" not in said
    plain = json.loads(answer(*words, "--json")[1].partition("{")[2].join(("{", "")))
    assert len(plain["reference"]["frequencies_per_cm"]) == 12
    assert plain["drift_mev_atom_ps"] is None
