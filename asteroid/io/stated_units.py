"""Units that a file states in passing: in the names of keys, in comment lines, in the metadata of a database.

What a file states is used or, where something else is declared or customary, refused; it is never passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.file_units import StatedUnits
from asteroid.units import energy_unit, force_unit_in_ev_ang, length_unit, plain_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What the words of a key beside "unit" are about.
_ABOUT = {
    "energy": ("energy", "energies", "e", "ener", "en"),
    "length": ("length", "lengths", "distance", "dist", "position", "positions", "pos", "coordinate", "coordinates"),
    "force": ("force", "forces", "f", "gradient", "gradients", "grad"),
}
_ABOUT["length"] += ("coord", "coords", "r", "xyz", "geometry")
_FILLERS = frozenset(("unit", "units", "ref", "dft", "total", "label", "labels", "property", "of", "the", "in", "dict"))
_ATOMIC = frozenset(("au", "a.u.", "a.u", "atomic", "atomic units", "atomic_units"))
#: Words that are units wherever they stand by themselves; "a", "ha" or "nm" may be anything.
_ENERGY_WORDS = frozenset(("kcal/mol", "kj/mol", "hartree", "hartrees", "mev", "ev", "eh", "kcal", "kj", "kcalmol"))
_LENGTH_WORDS = frozenset(("bohr", "angstrom", "angstroms", "ang", "å"))
#: The same in names of keys, cut at everything that is no letter.
_NAME_ENERGY = {
    **dict.fromkeys(("kcal", "kcalmol"), "kcal/mol"),
    **dict.fromkeys(("kj", "kjmol"), "kJ/mol"),
    **dict.fromkeys(("hartree", "hartrees", "ha", "eh", "au"), "Hartree"),
    "ev": "eV",
    "mev": "meV",
}
_NAME_LENGTH = {"ang": "Angstrom", "angstrom": "Angstrom", "a": "Angstrom", "bohr": "Bohr", "nm": "nm"}


@dataclass(frozen=True)
class Statement:
    """A unit that a file states.

    Attributes:
        about: energy, length or force.
        unit: its canonical name.
        where: where the file says so, for messages.
    """

    about: str
    unit: str
    where: str


def stated_in_names(keys: tuple[str, str | None] | None, where: str = "the name of its key") -> tuple[Statement, ...]:
    """What the names of the keys of energies and forces say: E_kcal, "forces (eV/Å)", energy_hartree."""
    if keys is None:
        return ()
    found = []
    words = re.findall(r"[a-zå]+", keys[0].lower())
    energies = [_NAME_ENERGY[word] for word in words[1:] if word in _NAME_ENERGY]
    if energies:
        found.append(Statement("energy", energies[0], f"{where} {keys[0]!r}"))
    words = re.findall(r"[a-zå]+", (keys[1] or "").lower())
    energies = [_NAME_ENERGY[word] for word in words[1:] if word in _NAME_ENERGY]
    lengths = [_NAME_LENGTH[word] for word in words[1:] if word in _NAME_LENGTH]
    if energies and lengths:
        found.append(Statement("force", f"{energies[0]}/{lengths[-1]}", f"{where} {keys[1]!r}"))
    return tuple(found)


@lru_cache(maxsize=4096)
def stated_in_pair(key: str, value: str, source: str, where: str) -> tuple[Statement, ...]:
    """What a key and its text say: energy_unit=kcal/mol, units="eV, Angstrom", or a unit among the words of a comment.

    Args:
        key: the key; of a word without a value the word.
        value: its text; "" for a word without one.
        source: the file's name for messages.
        where: where they stand, for messages.

    Raises:
        InputError: the key says that its value is a unit of energies, lengths or forces, and it is none that is known.
    """
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", key).lower())
    place = f"{where} ({key}={value})" if value else f"{where} ({key})"
    if {"unit", "units", "eunit", "runit", "funit"} & set(words) and value:
        short = {"energy": "eunit", "length": "runit", "force": "funit"}
        about = next((name for name, known in _ABOUT.items() if set(words) & {*known, short[name]}), None)
        if about is not None and set(words) <= {*_ABOUT[about], *_FILLERS, "eunit", "runit", "funit"}:
            return (Statement(about, _unit_of(about, value, source, place), place),)
        if set(words) <= _FILLERS:
            return _listed(value, source, place) or _words(value, place)
        return ()
    return _words(value, place) if value else _words(key, place)


def merged(statements: Iterable[Statement], source: str) -> StatedUnits | None:
    """All statements together.

    Raises:
        InputError: two of them differ.
    """
    found: dict[str, Statement] = {}
    for statement in statements:
        known = found.setdefault(statement.about, statement)
        if known.unit != statement.unit:
            raise InputError(
                f"{source} states two units of its {_plural(known.about)}: {known.unit} in {known.where}, "
                f"{statement.unit} in {statement.where}: correct one of them or split the file"
            )
    if not found:
        return None
    places = "; ".join(dict.fromkeys(statement.where for statement in found.values()))
    units = {field.name: found[field.name].unit for field in fields(StatedUnits) if field.name in found}
    return StatedUnits(**units, where=places)


def quantity_of(key: str) -> str | None:
    """Whether a key names energies, lengths or forces and nothing else; "unit" and other fillers do not count."""
    words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", key).lower()))
    found = (about for about, known in _ABOUT.items() if words & set(known) and words <= {*known, *_FILLERS})
    return next(found, None)


def stated_quantity(key: str, value: str, where: str) -> tuple[Statement, ...]:
    """What a key that names a quantity says where its whole text is a unit, such as "energy": "Hartree"."""
    about = quantity_of(key)
    if about is None:
        return ()
    try:
        return (Statement(about, _unit_of(about, value, "", ""), f"{where} ({key}={value})"),)
    except InputError:
        return ()


def names_gradients(key: str | None) -> bool:
    """Whether a key says that it has gradients, and not that it has forces."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", key or "").lower())
    slope = re.fullmatch(r"de[_/ ]?d[rxq]", (key or "").lower()) is not None
    return (slope or any(word.startswith("grad") for word in words)) and not any(word.startswith("f") for word in words)


def _unit_of(about: str, text: str, source: str, place: str) -> str:
    name = text.strip().strip("()[]\"' ").lower()
    if name in _ATOMIC:
        return {"energy": "Hartree", "length": "Bohr", "force": "Hartree/Bohr"}[about]
    try:
        if about == "energy":
            return energy_unit(name)
        if about == "length":
            return length_unit(name)
        return force_unit(name)
    except InputError as error:
        raise InputError(
            f"{source} states {text!r} as the unit of its {_plural(about)} in {place}, which is not known: convert "
            "them to eV, Å and eV/Å and say so in the file"
        ) from error


def force_unit(text: str) -> str:
    """Canonical name of a force unit, such as "kcal/mol/Angstrom".

    Raises:
        InputError: it is not known.
    """
    force_unit_in_ev_ang(text)
    energy, _, length = plain_unit(text).rpartition("/")
    return f"{energy_unit(energy)}/{length_unit(length)}"


def _listed(text: str, source: str, place: str) -> tuple[Statement, ...]:
    """Units beside what they are of: "energy: kcal/mol, forces: kcal/mol/Å", or the same as JSON."""
    found = []
    for name, unit in re.findall(r"([A-Za-z_]+)[\"']?\s*[:=]\s*[\"']?([^\s,;\"'{}]+)", text):
        about = next((about for about, known in _ABOUT.items() if name.lower() in known), None)
        if about is not None:
            found.append(Statement(about, _unit_of(about, unit, source, place), place))
    return tuple(found)


def _words(text: str, place: str) -> tuple[Statement, ...]:
    """Units among the words of a text, energies before lengths where both stand alone: "eV, Angstrom"."""
    found: list[Statement] = []
    for raw in re.split(r"[\s,;]+", text):
        word = raw.strip("()[]{}:.\"'").lower()
        try:
            if word in _ENERGY_WORDS:
                name = {"kcal": "kcal/mol", "kj": "kj/mol", "kcalmol": "kcal/mol"}.get(word, word)
                found.append(Statement("energy", energy_unit(name), place))
            elif word in _LENGTH_WORDS:
                found.append(Statement("length", length_unit(word), place))
            elif "/" in word and word.rpartition("/")[0] in _ENERGY_WORDS:
                found.append(Statement("force", force_unit(word), place))
        except InputError:
            continue
    return tuple(found)


def _plural(about: str) -> str:
    return {"energy": "energies", "length": "lengths", "force": "forces"}[about]
