"""Charge and spin of a molecule as files state them, under the names that programs have for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.labels.charge_and_spin import ChargeAndSpin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Keys that state the total charge, the multiplicity 2S + 1, and the number of unpaired electrons, in lower case.
_KEYS = {
    "charge": ("charge", "total_charge", "tot_charge", "net_charge", "molecular_charge", "total_charges"),
    "multiplicity": (
        "multiplicity",
        "spin_multiplicity",
        "molecular_multiplicity",
        "mult",
        "spinmult",
        "multiplicities",
    ),
    "unpaired": ("unpaired_electrons", "n_unpaired", "unpaired", "nunpaired", "uhf"),
    "spin": ("spin", "total_spin", "spin_state"),
}
#: The total charge, or the charges of the atoms, which are hardly ever whole.
_TOTAL_OR_PARTIAL = ("Q", "charges")
_ELECTRON_KEYS = frozenset(key for keys in _KEYS.values() for key in keys)
#: charge=1, charge: 1 and "charge": 1 say the same.
_PAIR = re.compile(r"""(\w+)\\?["']?\s*[:=]\s*\\?["']?([-+.\w]+)""")
#: "charge 1" and "mult 2" among the words of a comment.
_WORDS = re.compile(
    rf"\b({'|'.join(sorted(_ELECTRON_KEYS, key=len, reverse=True))})\s+([-+]?\d+[-+]?)(?!\S)", re.IGNORECASE
)
#: A charge and a multiplicity alone, as inputs of programs have them above the atoms.
_TWO_NUMBERS = re.compile(r"\s*([-+]?\d)\s+([1-9])\s*")
_SIGN_BEHIND = re.compile(r"(\d+)([+-])")


@dataclass(frozen=True)
class Electrons:
    """Charge and multiplicity that a file states.

    Attributes:
        charge: total charge, or None where nothing is said.
        multiplicity: 2S + 1, or None.
        spin: what is said under a name that programs use for 2S + 1, for 2S (PySCF, this one) and for S, or None.
        protons: of the molecule, where a spin is to be made out.
    """

    charge: int | None = None
    multiplicity: int | None = None
    spin: float | None = None
    protons: int = 0

    def __str__(self) -> str:
        charge = "no charge" if self.charge is None else f"charge {self.charge:+d}"
        if self.spin is not None:
            return f"{charge} and spin {self.spin:g}"
        return charge if self.multiplicity is None else f"{charge} and multiplicity {self.multiplicity}"

    @property
    def is_unusual(self) -> bool:
        """Whether a charge or unpaired electrons are stated."""
        return self.charge not in (None, 0) or self.unpaired(self.charge or 0) not in (None, 0)

    def unpaired(self, charge: int) -> int | None:
        """Unpaired electrons of the molecule with a charge, or None where nothing is said.

        A molecule with an even number of electrons has an even number of unpaired ones, so that a whole spin is either
        2S or 2S + 1, and half of a whole number is S.
        """
        if self.multiplicity is not None:
            return self.multiplicity - 1
        if self.spin is None:
            return None
        if not self.spin.is_integer():
            return int(2 * self.spin)
        spin = int(self.spin)
        return spin if (self.protons - charge - spin) % 2 == 0 else max(spin - 1, 0)

    def fits(self, protons: int) -> bool:
        """Whether a molecule with so many protons can have this charge and multiplicity."""
        electrons, unpaired = protons - (self.charge or 0), (self.multiplicity or 1) - 1
        return 0 <= unpaired <= electrons and (electrons - unpaired) % 2 == 0

    def and_of(self, other: Electrons, where: str) -> Electrons:
        """These and what another place says of the same molecule.

        Args:
            other: the other statement.
            where: both places, for the message.

        Raises:
            InputError: they differ.
        """
        for name in ("charge", "multiplicity", "spin"):
            one, another = getattr(self, name), getattr(other, name)
            if None not in (one, another) and one != another:
                raise InputError(f"{where} must speak of one molecule, found {self} and {other}: correct one of them")
        return Electrons(
            self.charge if self.charge is not None else other.charge,
            self.multiplicity if self.multiplicity is not None else other.multiplicity,
            self.spin if self.spin is not None else other.spin,
            self.protons or other.protons,
        )


def charge_and_spin(stated: Iterable[Electrons | None]) -> ChargeAndSpin | None:
    """What files of one molecule state together, the first that says something of each; None where they say nothing."""
    said = [electrons for electrons in stated if electrons is not None]
    charge = next((own.charge for own in said if own.charge is not None), None)
    unpaired = next((n for own in said if (n := own.unpaired(charge or 0)) is not None), None)
    return None if charge is None and unpaired is None else ChargeAndSpin(charge or 0, unpaired or 0)


def electrons_in(values: Mapping[str, Any], source: str, i: int) -> Electrons:
    """Charge and spin among the values of a frame, whatever the case of their names.

    Raises:
        InputError: one is stated that no molecule has, or two statements differ.
    """
    found: dict[str, float] = {}
    names = {key.lower(): key for key in reversed(list(values)) if isinstance(key, str) and states_electrons(key)}
    for name, keys in _KEYS.items():
        key = next((names[key] for key in keys if key in names and values[names[key]] is not None), None)
        if key is None and name == "charge":
            key = next((key for key in _TOTAL_OR_PARTIAL if values.get(key) is not None), None)
        if key is None or isinstance(values[key], bool):
            continue
        try:
            value = np.asarray(_sign_first(values[key]), dtype=np.float64)
        except (TypeError, ValueError):
            continue  # of another kind, such as the charges of atoms in words
        if value.size != 1 or (key in _TOTAL_OR_PARTIAL and not float(value.reshape(-1)[0]).is_integer()):
            continue  # charges of atoms
        number = float(value.reshape(-1)[0])
        _refuse_impossible(name, key, number, f"frame {i} of {source}")
        found[name] = number
    total, multiplicity, unpaired, spin = (found.get(name) for name in _KEYS)
    if unpaired is not None:
        if multiplicity not in (None, unpaired + 1):
            raise InputError(
                f"frame {i} of {source} states the multiplicity {multiplicity:g} and {unpaired:g} unpaired electrons: "
                "correct one of them"
            )
        multiplicity = unpaired + 1
    if multiplicity is not None and spin is not None:
        if spin not in (multiplicity, multiplicity - 1, (multiplicity - 1) / 2):
            raise InputError(
                f"frame {i} of {source} states the multiplicity {multiplicity:g} and the spin {spin:g}: correct one of "
                "them"
            )
        spin = None
    return Electrons(_whole(total), _whole(multiplicity), spin)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def states_electrons(key: str) -> bool:
    """Whether a value of this name is a charge or a spin of the molecule."""
    return key.lower() in _ELECTRON_KEYS or key in _TOTAL_OR_PARTIAL


def _refuse_impossible(name: str, key: str, number: float, where: str) -> None:
    """Refuse charges and spins that no molecule has.

    Raises:
        InputError: as said.
    """
    whole = number if name != "spin" else 2 * number
    if not whole.is_integer() or abs(number) > 1000:
        rule = "whole number" if name != "spin" else "whole number, or half of one"
    elif name != "charge" and number < (name == "multiplicity"):
        rule = f"number of at least {int(name == 'multiplicity')}"
    else:
        return
    what = "number of unpaired electrons" if name == "unpaired" else name
    raise InputError(f"the {what} of a molecule is a {rule}, found {key}={number:g} in {where}: correct or remove it")


def pairs_in(text: str) -> dict[str, str]:
    """Words that a text gives to keys, also as JSON."""
    return {**dict(_WORDS.findall(text)), **dict(_PAIR.findall(text))}


def two_numbers(text: str) -> Electrons | None:
    """Charge and multiplicity of a text that is two whole numbers and nothing else."""
    match = _TWO_NUMBERS.fullmatch(text)
    return None if match is None else Electrons(int(match[1]), int(match[2]))


def _sign_first(value: Any) -> Any:
    """A charge that is written as chemists do, 2-, as a number."""
    match = _SIGN_BEHIND.fullmatch(value) if isinstance(value, str) else None
    return match.group(2) + match.group(1) if match else value
