"""What frames say beside their numbers while they pass: units of their labels, charge and spin of the molecule."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.io.electrons import Electrons, electrons_in
from asteroid.io.method_names import method_names
from asteroid.io.nested_units import stated_in_mapping
from asteroid.labels.molecules import formula

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ase import Atoms

    from asteroid.io.stated_units import Statement


#: Keys by which frames say whether they are converged, and of which level they are where the value is a method's name.
_CONVERGED = frozenset(("converged", "scf_converged", "is_converged"))
_LEVEL_KEYS = frozenset(("method", "theory", "level_of_theory", "lot", "functional"))


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
    _levels: dict[str, tuple[str, int]] = field(default_factory=dict)

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
            self._hear_words(atoms.info, i)
            self.hear_electrons(electrons_in(atoms.info, self.source, i), np.asarray(atoms.numbers), i)
            yield atoms

    def _hear_words(self, values: Mapping[str, Any], i: int) -> None:
        """Believe frames that say to be of another level than those before, or not to be converged.

        Raises:
            InputError: a frame says so.
        """
        for key, value in values.items():
            name = str(key).lower()
            if name in _CONVERGED and np.ndim(value) == 0 and str(value).lower() in ("false", "f", "no", "0"):
                raise InputError(
                    f"labels of {self.source} must be converged, frame {i} says {key}={value}: remove it or label it "
                    "again"
                )
            if name in _LEVEL_KEYS and isinstance(value, str) and method_names(value):
                first, before = self._levels.setdefault(name, (value, i))
                if first.strip().lower() != value.strip().lower():
                    raise InputError(
                        f"frames of {self.source} must be of one level, found {key}={first} in frame {before} and "
                        f"{key}={value} in frame {i}: split the file"
                    )

    def hear_electrons(self, electrons: Electrons, numbers: Any, i: int) -> None:
        """Compare a frame's charge and multiplicity with those of the frames before it.

        Raises:
            InputError: they differ.
        """
        if electrons == Electrons() and not self.electrons:
            return
        if electrons.spin is not None:
            electrons = replace(electrons, protons=int(np.sum(numbers)))
        key = np.sort(numbers).tobytes()
        first, before = self.electrons.setdefault(key, (electrons, i))
        if first != electrons:
            whose = f" ({formula(numbers)})" if np.any(numbers) else ""
            raise InputError(
                f"frames of {self.source} must be of one charge and spin, found {first} in frame {before} and "
                f"{electrons} in frame {i}{whose}: split the file"
            )

    def common(self) -> Electrons:
        """What all molecules have; nothing where they differ."""
        stated = {replace(electrons, protons=0) for electrons, _ in self.electrons.values()}
        return next(iter(self.electrons.values()))[0] if len(stated) == 1 else Electrons()

    def charge_notes(self) -> tuple[str, ...]:
        """A note where molecules are charged or have unpaired electrons."""
        unusual = [electrons for electrons, _ in self.electrons.values() if electrons.is_unusual]
        return (f"the file states {unusual[0]}",) if unusual else ()
