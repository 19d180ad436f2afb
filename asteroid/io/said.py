"""What frames say beside their numbers: units of their labels, and the charge and multiplicity of the molecule."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.nested_units import stated_in_mapping
from asteroid.labels.molecules import formula

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ase import Atoms

    from asteroid.io.stated_units import Statement

#: Keys that state the total charge, and the multiplicity 2S + 1.
CHARGE_KEYS = ("charge", "total_charge", "tot_charge", "net_charge", "Charge", "Q")
MULTIPLICITY_KEYS = ("multiplicity", "spin_multiplicity", "mult", "Multiplicity")
#: Numbers of unpaired electrons; "spin" may be that, or the multiplicity.
_UNPAIRED_KEYS = ("unpaired_electrons", "n_unpaired", "unpaired", "uhf")
ELECTRON_KEYS = (*CHARGE_KEYS, *MULTIPLICITY_KEYS, *_UNPAIRED_KEYS)
#: charge=1, charge: 1 and "charge": 1 say the same.
_PAIR = re.compile(r"""(\w+)\\?["']?\s*[:=]\s*\\?["']?([-+.\w]+)""")
_SIGN_BEHIND = re.compile(r"(\d+)([+-])")


@dataclass(frozen=True)
class Electrons:
    """Charge and multiplicity that a file states.

    Attributes:
        charge: total charge, or None where nothing is said.
        multiplicity: 2S + 1, or None.
    """

    charge: int | None = None
    multiplicity: int | None = None


@dataclass(eq=False)
class Said:
    """Collects what frames say, while they pass.

    Attributes:
        source: the file's name for messages.
        units: statements of units, each once.
        electrons: what frames of each composition state first, with the number of that frame.
    """

    source: str
    units: list[Statement] = field(default_factory=list)
    electrons: dict[bytes, tuple[Electrons, int]] = field(default_factory=dict)
    _known: set[tuple[str, str]] = field(default_factory=set)

    def listen(self, frames: Iterator[Atoms]) -> Iterator[Atoms]:
        """Pass frames on.

        Raises:
            InputError: a unit is not known, a charge is no number, or frames of one composition have different ones.
        """
        for i, atoms in enumerate(frames):
            for statement in stated_in_mapping(atoms.info, self.source, f"frame {i}"):
                if (statement.about, statement.unit) not in self._known:
                    self._known.add((statement.about, statement.unit))
                    self.units.append(statement)
            self.hear_electrons(electrons_in(atoms.info, self.source, i), np.asarray(atoms.numbers), i)
            yield atoms

    def hear_electrons(self, electrons: Electrons, numbers: Any, i: int) -> None:
        """Compare a frame's charge and multiplicity with those of the frames before it.

        Raises:
            InputError: they differ.
        """
        if electrons == Electrons() and not self.electrons:
            return
        key = np.sort(numbers).tobytes()
        first, before = self.electrons.setdefault(key, (electrons, i))
        if first != electrons:
            whose = f" ({formula(numbers)})" if np.any(numbers) else ""
            raise InputError(
                f"frames of {self.source} must be of one charge and spin, found {_shown(first)} in frame {before} and "
                f"{_shown(electrons)} in frame {i}{whose}: split the file"
            )

    def charge_notes(self) -> tuple[str, ...]:
        """A note where molecules are charged or have unpaired electrons."""
        odd = [e for e, _ in self.electrons.values() if e.charge not in (None, 0) or e.multiplicity not in (None, 1)]
        return (f"the file states {_shown(odd[0])}",) if odd else ()


def electrons_in(values: Mapping[str, Any], source: str, i: int) -> Electrons:
    """Charge and multiplicity among the values of a frame.

    Raises:
        InputError: one is stated that is no whole number.
    """
    found = {}
    for name, keys in (("charge", CHARGE_KEYS), ("multiplicity", MULTIPLICITY_KEYS), ("unpaired", _UNPAIRED_KEYS)):
        key = next((key for key in keys if values.get(key) is not None), None)
        if key is None:
            continue
        try:
            value = np.asarray(_sign_first(values[key]), dtype=np.float64)
        except (TypeError, ValueError):
            continue  # of another kind, such as the charges of atoms in words
        if value.size != 1 or (key == "Q" and not np.isfinite(value).all()):
            continue  # charges of atoms
        number = float(value.reshape(-1)[0])
        if not number.is_integer() or abs(number) > 1000:
            raise InputError(
                f"the {name} of a molecule is a whole number, found {key}={number:g} in frame {i} of {source}: correct "
                "or remove it"
            )
        found[name] = int(number)
    unpaired = found.pop("unpaired", None)
    if unpaired is not None and found.setdefault("multiplicity", unpaired + 1) != unpaired + 1:
        raise InputError(
            f"frame {i} of {source} states the multiplicity {found['multiplicity']} and {unpaired} unpaired electrons: "
            "correct one of them"
        )
    return Electrons(**found)


def pairs_in(text: str) -> dict[str, str]:
    """Words that a text gives to keys, also as JSON."""
    return dict(_PAIR.findall(text))


def _sign_first(value: Any) -> Any:
    """A charge that is written as chemists do, 2-, as a number."""
    match = _SIGN_BEHIND.fullmatch(value) if isinstance(value, str) else None
    return match.group(2) + match.group(1) if match else value


def _shown(electrons: Electrons) -> str:
    charge = "no charge" if electrons.charge is None else f"charge {electrons.charge:+d}"
    return charge if electrons.multiplicity is None else f"{charge} and multiplicity {electrons.multiplicity}"
