"""Methods are found among other words, bases and keywords are not."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from asteroid.io.method_names import method_names, refuse_keys_of_two_methods


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("! RI-MP2 cc-pVTZ TightSCF EnGrad", {"mp2"}),
        ("|  1> ! CCSD(T) cc-pVDZ MORead", {"ccsd(t)"}),
        (" #p PBE1PBE/def2SVP force", {"pbe1pbe"}),
        ("wB97X-D3 def2-TZVP", {"wb97x-d3"}),
        ("GFN2-xTB", {"gfn2-xtb"}),
        ("nvt metadynamics at 500 K", set()),
        ("", set()),
    ],
)
def test_methods_are_found_among_other_words(text: str, names: set[str]) -> None:
    assert method_names(text) == names


@pytest.mark.parametrize(
    ("energy_key", "forces_key"),
    [("ccsd(t)_cbs.energy", "wb97x_dz.forces"), ("energy_cc", "forces_dft"), ("mp2_e", "HF_gradient")],
)
def test_keys_of_two_methods_are_refused(energy_key: str, forces_key: str) -> None:
    with pytest.raises(InputError, match="must be of one level, found the keys"):
        refuse_keys_of_two_methods(energy_key, forces_key, "labels.npz")


@pytest.mark.parametrize(
    ("energy_key", "forces_key"),
    [
        ("E_pbe_svp", "F_pbe_svp"),
        ("dft_energy", "pbe_forces"),
        ("cc_energy", "ccsd(t)_forces"),
        ("energy", "forces_ccsd"),
        ("dft_total_energy", "dft_total_gradient"),
    ],
)
def test_keys_of_one_method_pass(energy_key: str, forces_key: str) -> None:
    refuse_keys_of_two_methods(energy_key, forces_key, "labels.npz")
