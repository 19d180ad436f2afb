from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from two_level_files import cheap_arrays, load, methanol

if TYPE_CHECKING:
    from pathlib import Path


def test_the_data_card_of_files(tmp_path: Path) -> None:
    labels = methanol().cheap.select(np.arange(0, 20_000, 125))
    cheap = {**cheap_arrays(), "level": np.array("gfn2-xtb"), "cpu_s": np.full(160, 0.003)}
    data = load(tmp_path, cheap=cheap)
    card = "\n".join(data.card)
    assert labels.energy is not None
    assert labels.forces is not None
    for says in (
        "gfn2-xtb: 160 frames from cheap.npz (CH4O, 6 atoms)",
        f"energies {labels.energy.min():,.3f} to {labels.energy.max():,.3f} eV",
        f"at most {np.abs(labels.forces).max():.1f} eV/Å",
        "forces fit energies: dE = 1.0",
        "; no geometry twice",
        "frames by group: 0: 40, 1: 40, 2: 40, 3: 40",
        "price: 0.002 CPU s a label and 0.05 CPU s to sample its geometry (sweep file); these took 0.003, median",
    ):
        assert says in card
    accurate, checked = data.card_json["checked"]
    assert (accurate["level"], accurate["n_frames"], accurate["measured_cpu_s_median"]) == ("ccsd_t/cc-pvdz", 60, None)
    assert checked["force_energy_ratio"] == pytest.approx(1.0, abs=0.05)
    assert checked["frames_by_group"] == {str(group): 40 for group in range(4)}
    assert "price: 7 CPU s a label" in "\n".join(load(tmp_path, prices="{CCSD(T)/cc-pVDZ: 7 s}").card)
