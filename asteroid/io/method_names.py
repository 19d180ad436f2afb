"""Names of methods among other words, by which two levels in one file are told apart; no list of all there are."""

from __future__ import annotations

import re

from asteroid.errors import InputError

_METHOD = re.compile(
    r"\b(?:u?hf|mp[2-4]|ccsd|casscf|caspt2|(?:rev)?pbe|b3lyp|blyp|scan|tpss|m06|[wω]?b97|xtb|gfn\d?|dft)[\w()+-]*",
    re.IGNORECASE,
)

#: Names of methods that are no density functionals.
_WAVE_FUNCTION = re.compile(r"u?hf|mp[2-4]|cc|cas")


def method_names(text: str) -> frozenset[str]:
    """Methods that a text names, in lower case: of "! RI-MP2 cc-pVTZ TightSCF" mp2."""
    return frozenset(name.lower() for name in _METHOD.findall(text))


def refuse_keys_of_two_methods(energy_key: str, forces_key: str, source: str) -> None:
    """Refuse keys of energies and forces whose names have two methods in them, as `ccsd_energy` and `dft_forces`.

    Raises:
        InputError: they have.
    """
    one, other = (_methods_in_key(key) for key in (energy_key, forces_key))
    if one and other and not any(_are_one(a, b) for a in one for b in other):
        raise InputError(
            f"energies and forces of {source} must be of one level, found the keys {energy_key!r} and {forces_key!r}: "
            "name keys of one level, or declare forces: none for energies alone"
        )


def _methods_in_key(key: str) -> frozenset[str]:
    words = re.split(r"[^a-z0-9ω()+-]+", key.lower())
    return frozenset(word for word in words if word == "cc" or _METHOD.fullmatch(word))


def _are_one(one: str, other: str) -> bool:
    """Whether two names may be of one method: dft may be any functional, cc any coupled cluster."""
    kinds = {_WAVE_FUNCTION.match(name) is not None for name in (one, other)}
    return one == other or (kinds == {False} and "dft" in (one, other)) or (kinds == {True} and "cc" in (one, other))
