"""SO3LR through its package's calculator, here a stand-in: silent, and torch's precision stays as it was."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from labellers import WATER, labeller_of

from asteroid.errors import InputError
from asteroid.labelling import levels
from asteroid.labelling.labeller import Method


class StandIn:
    """Springs to the origin, which say what they are given as the package does."""

    def __init__(self, default_dtype: str) -> None:
        sys.stdout.write(f"Default dtype {default_dtype} does not match model dtype float32, converting")
        torch.set_default_dtype(torch.float64)
        self.results: dict[str, object] = {}

    def calculate(self, atoms: object) -> None:
        at = torch.tensor(atoms.positions)  # type: ignore[attr-defined]
        kept = torch.zeros(1)  # in the default precision, as the package keeps its results
        kept[0] = 0.5 * (at**2).sum() + atoms.info["charge"]  # type: ignore[attr-defined]
        self.results = {"energy": kept.numpy()[0], "forces": -at.numpy()}


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("so3krates_torch", "so3krates_torch.calculator", "so3krates_torch.calculator.so3"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["so3krates_torch.calculator.so3"].SO3LRCalculator = StandIn  # type: ignore[attr-defined]
    monkeypatch.setattr(levels, "find_spec", lambda _: True)


@pytest.mark.usefixtures("_installed")
def test_so3lr_computes_in_double_precision_and_leaves_torch_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    labeller = labeller_of(Method("so3lr", charge=2))
    energy, forces = labeller(WATER.positions)
    assert energy == pytest.approx(0.5 * (WATER.positions**2).sum() + 2, abs=1e-12)
    np.testing.assert_array_equal(forces, -WATER.positions)
    assert torch.get_default_dtype() == torch.float32
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("_installed")
def test_so3lr_is_for_closed_shells() -> None:
    with pytest.raises(InputError, match="so3lr is for closed shells, found 1 unpaired"):
        labeller_of(Method("so3lr", charge=1, unpaired=1))


def test_without_its_package_both_steps_of_its_installation_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"so3lr\]\", then pip install --no-deps so3krates-torch==0\.2\.1"):
        labeller_of(Method("so3lr"))
