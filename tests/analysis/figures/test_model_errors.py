"""Figures of a model's errors: the numbers behind them, and that they are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.figures.model_errors import error_data, error_picture, parity_data, parity_picture
from asteroid.units import KCAL_PER_MOL_EV

FRAMES = pd.DataFrame({"molecule": "CH4O", "energy_ev": [-3.0, -1.0], "predicted_energy_ev": [-2.5, -1.0]})
COMPONENTS = pd.DataFrame(
    {
        "element": ["C", "H", "H", "H"],
        "force_ev_ang": [1.0, 2.0, 3.0, 4.0],
        "predicted_force_ev_ang": [1.5, 2.1, 2.7, 4.0],
    }
)


def test_numbers_behind_the_figures() -> None:
    parity = parity_data(FRAMES, COMPONENTS, force_unit="eV/Å")
    energies = parity[parity["quantity"] == "energy"]
    assert energies["label"].to_numpy() * KCAL_PER_MOL_EV == pytest.approx([-1.0, 1.0])
    assert energies["predicted"].to_numpy() * KCAL_PER_MOL_EV == pytest.approx([-0.5, 1.0])
    assert list(parity[parity["quantity"] == "force"]["kind"]) == ["C", "H", "H", "H"]
    errors = error_data(COMPONENTS, force_unit="eV/Å")
    hydrogens = errors[errors["element"] == "H"]
    assert hydrogens["error"].to_numpy() == pytest.approx([0.0, 0.1, 0.3])
    assert hydrogens["share"].to_numpy() == pytest.approx(np.arange(1, 4) / 3)


def test_both_are_drawn() -> None:
    parity = parity_picture(FRAMES, COMPONENTS, force_unit="kcal/mol/Å")
    left, right = parity.figure.axes
    assert left.get_xlabel() == "energy, label (kcal/mol from the mean)"
    assert right.get_ylabel() == "force component, predicted (kcal/mol/Å)"
    (axes,) = error_picture(COMPONENTS, force_unit="kcal/mol/Å").figure.axes
    assert len(axes.lines) == 2
