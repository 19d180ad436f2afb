"""Wave functions: frozen cores, bases, and equations without a solution."""

from __future__ import annotations

import numpy as np
import pytest
from labellers import WATER, labeller_of

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Method, label_frame
from asteroid.labelling.open_labeller import open_labeller


def test_correlated_methods_freeze_the_core_and_come_in_order() -> None:
    from pyscf import cc, gto, scf

    energy = {
        level: labeller_of(Method(f"{level}/6-31g"))(WATER.positions)[0] for level in ("hf", "mp2", "ccsd", "ccsd_t")
    }
    assert energy["hf"] > energy["mp2"] > energy["ccsd"] > energy["ccsd_t"]
    atoms = list(zip(WATER.get_chemical_symbols(), WATER.positions.tolist(), strict=True))
    scf.hf.MUTE_CHKFILE = True
    hartree_fock = scf.RHF(gto.M(atom=atoms, basis="6-31g", verbose=0)).run(conv_tol=1e-10)
    frozen, whole = (float(cc.CCSD(hartree_fock, frozen=core).run().e_tot) * 27.211386 for core in (1, None))
    assert energy["ccsd"] == pytest.approx(frozen, abs=1e-4)
    assert abs(frozen - whole) > 1e-2


@pytest.mark.parametrize("level", ["ccsd/6-31g", "ccsd_t/6-31g"])
def test_amplitudes_that_do_not_converge_are_a_failure(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from asteroid.labelling import pyscf_labeller as labelling_pyscf

    monkeypatch.setattr(labelling_pyscf, "CC_TOL", 1e-30)
    monkeypatch.setattr(labelling_pyscf, "CC_NORM_TOL", 1e-30)
    outcome = label_frame(labeller_of(Method(level, max_cycle=15)), WATER.positions)
    assert isinstance(outcome, Failure)
    assert "amplitudes" in outcome.reason


@pytest.mark.parametrize("level", ["ccsd/6-31g", "ccsd_t/6-31g"])
def test_multipliers_that_do_not_converge_are_a_failure(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyscf.cc import ccsd_lambda, ccsd_t_lambda

    for module in (ccsd_lambda, ccsd_t_lambda):
        original = module.kernel

        def never(*args: object, original: object = original, **kwargs: object) -> object:
            return (False, *original(*args, **kwargs)[1:])  # type: ignore[operator]

        monkeypatch.setattr(module, "kernel", never)
    outcome = label_frame(labeller_of(Method(level)), WATER.positions)
    assert isinstance(outcome, Failure)
    assert "multipliers" in outcome.reason


@pytest.mark.parametrize(
    ("level", "symbols", "message"),
    [
        ("hf/cc-pvdx", "H2O", "did you mean cc-pvdz"),
        ("hf/6-31gd", "H2O", "did you mean 6-31g"),
        ("hf/sto-3g", "CBr4+", "lacks"),
        ("hf/cc-pvdz", "CsH", "basis cc-pvdz lacks Cs"),
    ],
)
def test_a_basis_that_is_not_there(level: str, symbols: str, message: str) -> None:
    numbers = {"H2O": [8, 1, 1], "CsH": [55, 1], "CBr4+": [6, 118, 9]}[symbols]
    positions = np.arange(3 * len(numbers), dtype=float).reshape(1, -1, 3)
    with pytest.raises(InputError, match=message):
        open_labeller(Method(level, unpaired=sum(numbers) % 2), np.array(numbers), positions)


def test_core_potentials_come_with_their_basis() -> None:
    """Hydrogen iodide: def2-SVP replaces 28 electrons of iodine; without that the energy would be far lower."""
    numbers, positions = np.array([53, 1]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.61]])
    energy, _ = open_labeller(Method("hf/def2-svp"), numbers, positions[None])(positions)
    assert energy / 27.2114 == pytest.approx(-297.4, abs=1.0)
