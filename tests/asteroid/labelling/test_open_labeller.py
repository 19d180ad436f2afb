"""One label at a time: forces are the slope of the energy at every level, and what cannot be computed says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule

from asteroid.errors import InputError
from asteroid.labelling import levels as labelling_levels
from asteroid.labelling.labeller import Failure, Label, Method, NotConvergedError, label_frame
from asteroid.labelling.levels import FORMAL_EXPONENT, WITH_BASIS, parse_level
from asteroid.labelling.open_labeller import open_labeller

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.labelling.labeller import Labeller
    from asteroid.labels.label_set import FloatArray

WATER = molecule("H2O")
WATER.rattle(0.05, seed=1)
METHANOL = molecule("CH3OH")
METHANOL.rattle(0.05, seed=1)


def labeller_of(method: Method, atoms: object = WATER) -> Labeller:
    return open_labeller(method, atoms.numbers, atoms.positions[None])  # type: ignore[attr-defined]


def computed(labeller: Labeller, positions: FloatArray) -> Label:
    outcome = label_frame(labeller, positions)
    assert isinstance(outcome, Label), outcome
    return outcome


def slope(labeller: Labeller, positions: FloatArray, atom: int, axis: int, step: float = 1e-3) -> float:
    up, down = positions.copy(), positions.copy()
    up[atom, axis] += step
    down[atom, axis] -= step
    return (labeller(up)[0] - labeller(down)[0]) / (2 * step)


@pytest.mark.parametrize(
    ("level", "tolerance"),
    [
        *((level, 2e-4) for level in ("gfn1-xtb", "gfn2-xtb", "hf/6-31g_d_p", "mp2/6-31g", "ccsd/6-31g")),
        ("ccsd_t/6-31g", 2e-4),
        ("pbe/6-31g", 1e-3),  # the grid moves with the atoms, which the forces leave out
        ("b3lyp/6-31g", 1e-3),
    ],
)
def test_forces_are_the_falling_slope_of_the_energy(level: str, tolerance: float) -> None:
    labeller = labeller_of(Method(level))
    label = computed(labeller, WATER.positions)
    assert label.cpu_s > 0
    for atom, axis in ((0, 1), (2, 2)):
        expected = -slope(labeller, WATER.positions, atom, axis)
        assert abs(expected) > 0.01
        assert label.forces_ev_ang[atom, axis] == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("level", ["uff", "mmff94"])
def test_force_fields_read_the_bonds_once_and_hold_on_to_them(level: str) -> None:
    labeller = labeller_of(Method(level), METHANOL)
    label = computed(labeller, METHANOL.positions)
    for atom, axis in ((0, 0), (1, 1), (3, 2)):
        expected = -slope(labeller, METHANOL.positions, atom, axis, 1e-4)
        assert label.forces_ev_ang[atom, axis] == pytest.approx(expected, abs=1e-4)
    far = METHANOL.positions.copy()
    far[2] += 2.0  # a hydrogen pulled off still pulls back: bonds are not read again
    assert computed(labeller, far).energy_ev > label.energy_ev + 5
    again = computed(labeller, METHANOL.positions)
    assert again.energy_ev == label.energy_ev
    np.testing.assert_array_equal(again.forces_ev_ang, label.forces_ev_ang)


@pytest.mark.parametrize("level", ["gfn2-xtb", "mp2/sto-3g"])
def test_a_label_depends_on_its_geometry_alone(level: str) -> None:
    labeller = labeller_of(Method(level))
    first = computed(labeller, WATER.positions)
    computed(labeller, WATER.positions * 1.05)
    again = computed(labeller, WATER.positions)
    assert again.energy_ev == first.energy_ev
    np.testing.assert_array_equal(again.forces_ev_ang, first.forces_ev_ang)


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


def test_nothing_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for level in ("uff", "gfn2-xtb", "pbe/def2-svp", "ccsd_t/sto-3g"):
        computed(labeller_of(Method(level)), WATER.positions)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("level", "where"),
    [("hf/sto-3g", "SCF"), ("ccsd_t/sto-3g", "SCF"), ("pbe/sto-3g", "SCF"), ("gfn2-xtb", "GFN2-xTB")],
)
def test_what_does_not_converge_is_a_failure(level: str, where: str) -> None:
    outcome = label_frame(labeller_of(Method(level, max_cycle=2)), WATER.positions)
    assert isinstance(outcome, Failure)
    assert where in outcome.reason
    assert "\n" not in outcome.reason


@pytest.mark.parametrize(("level", "what"), [("ccsd/6-31g", "amplitudes"), ("ccsd_t/6-31g", "amplitudes")])
def test_amplitudes_that_do_not_converge_are_a_failure(level: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from asteroid.labelling import pyscf_labeller as labelling_pyscf

    monkeypatch.setattr(labelling_pyscf, "CC_TOL", 1e-30)
    monkeypatch.setattr(labelling_pyscf, "CC_NORM_TOL", 1e-30)
    outcome = label_frame(labeller_of(Method(level, max_cycle=15)), WATER.positions)
    assert isinstance(outcome, Failure)
    assert what in outcome.reason


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
    ("returned", "reason"),
    [
        ((float("nan"), np.zeros((3, 3))), "NaN or infinite"),
        ((1.0, np.full((3, 3), np.inf)), "NaN or infinite"),
        ((1.0, np.zeros((2, 3))), "shape"),
        (NotConvergedError("no\nluck"), "no luck"),
        (ZeroDivisionError("oops"), "ZeroDivisionError: oops"),
    ],
)
def test_whatever_goes_wrong_is_never_a_label(returned: object, reason: str) -> None:
    def labeller(_: FloatArray) -> tuple[float, FloatArray]:
        if isinstance(returned, Exception):
            raise returned
        return returned  # type: ignore[return-value]

    outcome = label_frame(labeller, WATER.positions)
    assert isinstance(outcome, Failure)
    assert reason in outcome.reason


@pytest.mark.parametrize("error", [MemoryError("8 GiB"), OSError(28, "no space")])
def test_a_machine_at_fault_is_no_fault_of_the_geometry(error: Exception) -> None:
    def labeller(_: FloatArray) -> tuple[float, FloatArray]:
        raise error

    with pytest.raises(type(error)):
        label_frame(labeller, WATER.positions)


@pytest.mark.parametrize(
    ("text", "slug"),
    [("CCSD(T)/cc-pVDZ", "ccsd_t/cc-pvdz"), ("GFN2-xTB", "gfn2-xtb"), ("MP2/6-31G*", "mp2/6-31g_d"), ("UFF", "uff")],
)
def test_levels_by_name(text: str, slug: str) -> None:
    level = parse_level(text)
    assert level.slug == slug
    assert level.formal_exponent == FORMAL_EXPONENT[slug.partition("/")[0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gfn2", "did you mean gfn2-xtb"),
        ("ccsdt/cc-pvtz", "did you mean ccsd_t/cc-pvtz"),
        ("b3lpy/6-31g", "did you mean b3lyp/6-31g"),
        ("ccsd_t", "needs a basis"),
        ("gfn2-xtb/def2-svp", "has no basis"),
        ("two words", "method"),
    ],
)
def test_a_wrong_level_is_answered_with_the_nearest(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_level(text)
    assert "\n" not in str(caught.value)


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


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Method("hf/sto-3g", charge=1), r"odd number of electrons \(9\).*--charge or --spin"),
        (Method("gfn2-xtb", unpaired=1), r"even number of electrons \(10\)"),
        (Method("hf/sto-3g", unpaired=12), "10 electrons, found spin 12"),
        (Method("uff", charge=-1), "neutral closed shells"),
        (Method("mmff94", unpaired=2), "neutral closed shells"),
        (Method("ccsd_t/sto-3g", charge=1, unpaired=1), "not the slope of their energy"),
    ],
)
def test_electrons_that_do_not_fit(method: Method, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        labeller_of(method)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("level", ["gfn2-xtb", "hf/sto-3g", "ccsd/sto-3g"])
def test_radicals(level: str) -> None:
    methyl = molecule("CH3")
    methyl.rattle(0.05, seed=1)
    labeller = labeller_of(Method(level, unpaired=1), methyl)
    label = computed(labeller, methyl.positions)
    assert label.forces_ev_ang[0, 0] == pytest.approx(-slope(labeller, methyl.positions, 0, 0), abs=5e-4)


@pytest.mark.parametrize(("level", "program"), [("uff", "RDKit"), ("gfn2-xtb", "tblite"), ("ccsd_t/cc-pvdz", "PySCF")])
def test_without_the_extra_the_pip_command_is_named(level: str, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling_levels, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=rf'{program}.*pip install "asteroid-study\[labels\]"'):
        labeller_of(Method(level))


def test_every_method_with_a_basis_has_an_exponent() -> None:
    assert [FORMAL_EXPONENT[method] for method in WITH_BASIS] == [4, 3, 4, 5, 6, 7]


def test_any_ase_calculator_by_its_import_path(tmp_path: Path) -> None:
    (tmp_path / "my_calc_a.py").write_text("from ase.calculators.emt import EMT\ndef make():\n    return EMT()\n")
    labeller = labeller_of(Method("emt", calculator="my_calc_a:make", calculator_folder=str(tmp_path)))
    label = computed(labeller, WATER.positions)
    assert label.forces_ev_ang[0, 1] == pytest.approx(-slope(labeller, WATER.positions, 0, 1), abs=1e-3)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("my_calc_b", "package.module:factory"),
        ("no_such_module_here:make", "cannot be imported"),
        ("my_calc_b:take", "no function 'take'"),
        ("my_calc_b:broken", "it raised KeyError"),
        ("my_calc_b:number", "found int"),
    ],
)
def test_a_wrong_import_path_is_told(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "my_calc_b.py").write_text(
        "def broken():\n    raise KeyError('key')\ndef number():\n    return 1\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=message) as caught:
        labeller_of(Method("mine", calculator=path, calculator_folder=str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_a_calculator_that_does_not_converge_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "my_calc_c.py").write_text(
        "from ase.calculators.calculator import Calculator, SCFError\n"
        "class Lazy(Calculator):\n"
        "    implemented_properties = ['energy', 'forces']\n"
        "    def calculate(self, *args, **kwargs):\n"
        "        raise SCFError('gave up')\n"
    )
    method = Method("lazy", calculator="my_calc_c:Lazy", calculator_folder=str(tmp_path))
    outcome = label_frame(labeller_of(method), WATER.positions)
    assert isinstance(outcome, Failure)
    assert "SCFError: gave up" in outcome.reason
