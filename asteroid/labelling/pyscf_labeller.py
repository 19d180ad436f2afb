"""Labels of Hartree-Fock, DFT and correlated wave functions, by PySCF on one thread, without a word on the terminal."""

from __future__ import annotations

import difflib
import re
import warnings
from typing import TYPE_CHECKING, Any

from ase.data import chemical_symbols
from ase.units import Bohr, Hartree

from asteroid.errors import InputError
from asteroid.labelling.labeller import NotConvergedError
from asteroid.labelling.program import Program

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labelling.program import Level
    from asteroid.labels.label_set import FloatArray, IntArray

#: Bases to name when a name is wrong; PySCF knows more.
COMMON_BASES = (
    *("sto-3g", "3-21g", "6-31g", "6-31g_d", "6-31g_d_p", "6-31+g_d", "6-311g_d_p", "6-311++g_d_p"),
    *("cc-pvdz", "cc-pvtz", "cc-pvqz", "aug-cc-pvdz", "aug-cc-pvtz", "aug-cc-pvqz"),
    *("def2-svp", "def2-svpd", "def2-tzvp", "def2-tzvpp", "def2-tzvpd", "def2-qzvp"),
)
#: Thresholds: SCF energy, coupled-cluster energy (Hartree), norms of changes of amplitudes and multipliers. With them
#: forces equal finite differences of the energy to 1e-6 Hartree/Bohr.
SCF_TOL, CC_TOL, CC_NORM_TOL, LAMBDA_TOL = 1e-10, 1e-7, 1e-5, 1e-5
#: Fineness of the integration grid of DFT, PySCF's own default.
GRID_LEVEL = 3


def pyscf_labeller(method: Method, level: Level, numbers: IntArray) -> Labeller:
    """Label geometries with hf, pbe, b3lyp, mp2, ccsd or ccsd_t and a basis.

    Closed shells are restricted, open shells unrestricted (not for ccsd_t). PBE is density-fitted; correlated methods
    leave the core frozen. CCSD(T) has the multipliers of the (T) energy, so that its forces are those of its energy.

    Args:
        method: charge, unpaired electrons, iterations.
        level: method and basis.
        numbers: atomic numbers [A].

    Raises:
        InputError: no such basis, it lacks an element, or CCSD(T) is asked of an open shell.
    """
    from pyscf import lib
    from pyscf.scf import hf

    if level.method == "ccsd_t" and method.unpaired:
        # Off by up to 4e-4 Hartree/Bohr: github.com/pyscf/pyscf/issues/3305; .015 eV/Å for CH3 in 6-31G.
        raise InputError(
            "PySCF's CCSD(T) forces of open shells are not the slope of their energy, found "
            f"{method.unpaired} unpaired electrons: use ccsd, or an ASE calculator of another program (--calculator)"
        )
    basis = check_basis(level.basis, numbers)
    symbols = [chemical_symbols[z] for z in numbers.tolist()]
    hf.MUTE_CHKFILE = True  # no temporary file for each label
    lib.num_threads(1)

    def label(positions: FloatArray) -> tuple[float, FloatArray | None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            molecule = _molecule(symbols, positions, basis, method)
            energy, gradient = _energy_and_gradient(level.method, molecule, method)
        return energy * Hartree, None if gradient is None else -gradient * (Hartree / Bohr)

    return label


def basis_functions(method: Method, level: Level, numbers: IntArray, positions: FloatArray) -> int:
    """Number of (spherical) basis functions of the molecule.

    Raises:
        InputError: no such basis, or it lacks an element.
    """
    basis = check_basis(level.basis, numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(_molecule([chemical_symbols[z] for z in numbers.tolist()], positions, basis, method).nao)


def check_basis(slug: str, numbers: IntArray) -> str:
    """PySCF's name of a basis, after looking up every element in it.

    Raises:
        InputError: no such basis (a near one is named), or it lacks an element.
    """
    from pyscf import gto

    name = re.sub(r"_(.+)$", lambda found: "(" + found.group(1).replace("_", ",") + ")", slug)
    lacking = []
    for symbol in [chemical_symbols[z] for z in sorted(set(numbers.tolist()))]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                gto.basis.load(name, symbol)
        except Exception:  # of many classes, by the way in which the name is wrong
            lacking.append(symbol)
    if not lacking:
        return name
    if len(lacking) < len(set(numbers.tolist())) or slug in COMMON_BASES:
        raise InputError(f"basis {slug} lacks {', '.join(lacking)}: choose another basis, for instance def2-svp")
    near = difflib.get_close_matches(slug, COMMON_BASES, n=1, cutoff=0.0)[0]
    raise InputError(f"PySCF knows no basis {slug!r}: did you mean {near}?")


def _molecule(symbols: list[str], positions: FloatArray, basis: str, method: Method) -> Any:
    from pyscf import gto

    # Bases made for core potentials would give wrong numbers without them, in silence.
    potentials = {symbol: basis for symbol in set(symbols) if _has_core_potential(basis, symbol)}
    return gto.M(
        atom=[(symbol, (at / Bohr).tolist()) for symbol, at in zip(symbols, positions, strict=True)],
        unit="Bohr",
        basis=basis,
        ecp=potentials,
        charge=method.charge,
        spin=method.unpaired,
        verbose=0,
    )


def _has_core_potential(basis: str, symbol: str) -> bool:
    from pyscf import gto

    try:
        return bool(gto.basis.load_ecp(basis, symbol))
    except RuntimeError:  # the name means nothing to the reader of potentials
        return False


def _energy_and_gradient(name: str, molecule: Any, method: Method) -> tuple[float, Any]:
    """Energy in Hartree and gradient in Hartree/Bohr; None where energies are wanted alone."""
    alone = method.energies_alone
    mean_field = _mean_field(name, molecule, method)
    energy = mean_field.kernel()
    if not mean_field.converged:
        raise NotConvergedError(f"the SCF did not converge in {method.max_cycle} cycles")
    if name in ("hf", "pbe", "b3lyp"):
        return float(energy), None if alone else _gradient(mean_field)
    from pyscf.data.elements import chemcore

    core = chemcore(molecule) or None
    if name == "mp2":
        from pyscf import mp

        perturbed = mp.MP2(mean_field, frozen=core)
        perturbed.kernel()
        return float(perturbed.e_tot), None if alone else _gradient(perturbed)
    return _coupled_cluster(mean_field, core, method, triples=name == "ccsd_t")


def _mean_field(name: str, molecule: Any, method: Method) -> Any:
    from pyscf import dft, scf

    closed = not method.unpaired
    if name in ("pbe", "b3lyp"):
        mean_field = (dft.RKS if closed else dft.UKS)(molecule, xc=name)
        if name == "pbe":
            mean_field = mean_field.density_fit()
        mean_field.grids.level = GRID_LEVEL
    else:
        mean_field = (scf.RHF if closed else scf.UHF)(molecule)
    return mean_field.set(conv_tol=SCF_TOL, max_cycle=method.max_cycle)


def _coupled_cluster(mean_field: Any, core: int | None, method: Method, *, triples: bool) -> tuple[float, Any]:
    """CCSD or CCSD(T) with the multipliers that its gradient needs, unless energies are wanted alone."""
    from pyscf import cc
    from pyscf.cc import ccsd_t_lambda
    from pyscf.grad import ccsd_t as triples_gradient

    cluster = cc.CCSD(mean_field, frozen=core)
    cluster.set(conv_tol=CC_TOL, conv_tol_normt=CC_NORM_TOL, max_cycle=method.max_cycle)
    integrals = cluster.ao2mo()
    cluster.kernel(eris=integrals)
    if not cluster.converged:
        raise NotConvergedError(f"the CCSD amplitudes did not converge in {method.max_cycle} cycles")
    if method.energies_alone:
        return float(cluster.e_tot + cluster.ccsd_t(eris=integrals) if triples else cluster.e_tot), None
    if not triples:
        cluster.solve_lambda(eris=integrals)
        if not cluster.converged_lambda:
            raise NotConvergedError(f"the CCSD multipliers did not converge in {method.max_cycle} cycles")
        return float(cluster.e_tot), cluster.nuc_grad_method().kernel(eris=integrals)
    energy = float(cluster.e_tot + cluster.ccsd_t(eris=integrals))
    t1, t2 = cluster.t1, cluster.t2
    converged, l1, l2 = ccsd_t_lambda.kernel(
        cluster, integrals, t1, t2, max_cycle=method.max_cycle, tol=LAMBDA_TOL, verbose=0
    )
    if not converged:
        raise NotConvergedError(f"the CCSD(T) multipliers did not converge in {method.max_cycle} cycles")
    return energy, triples_gradient.Gradients(cluster).kernel(t1, t2, l1, l2, eris=integrals)


def _gradient(solved: Any) -> Any:
    return solved.nuc_grad_method().kernel()


def _settings(method: Method, level: Level) -> dict[str, Any]:
    card: dict[str, Any] = {"max_cycle": method.max_cycle, "scf_tol": SCF_TOL}
    card["density_fitting"] = level.method == "pbe"
    if level.method in ("pbe", "b3lyp"):
        card["grid_level"] = GRID_LEVEL
    if level.method in ("mp2", "ccsd", "ccsd_t"):
        card["frozen_core"] = True
    if level.method in ("ccsd", "ccsd_t"):
        card |= {"cc_tol": CC_TOL, "cc_norm_tol": CC_NORM_TOL, "lambda_tol": LAMBDA_TOL}
    return card


PROGRAM = Program(
    name="PySCF",
    module="pyscf",
    packages=("pyscf",),
    # PBE with density fitting is bound by its diagonalisation.
    formal_exponents={"hf": 4, "pbe": 3, "b3lyp": 4, "mp2": 5, "ccsd": 6, "ccsd_t": 7},
    takes_basis=True,
    labeller=lambda method, level, numbers, _: pyscf_labeller(method, level, numbers),
    count_functions=lambda method, level, numbers, positions: basis_functions(method, level, numbers, positions),
    settings=_settings,
)
