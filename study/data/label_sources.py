"""The label files of a sweep: read, checked and priced, each with its data card."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from asteroid.checks.data_card import label_card
from asteroid.checks.guards import check_distinct, check_finite, check_labels, drop_duplicates, refuse_single_atoms
from asteroid.checks.plausibility import check_lengths
from asteroid.checks.single_frames import drop_broken_frames, dropped_notes, refuse_broken_geometries
from asteroid.errors import InputError, UndeclaredError
from asteroid.io.declaration import Declaration
from asteroid.io.geometries import read_geometries
from asteroid.io.read import read_labels
from asteroid.labels.molecules import as_one_molecule, single_atom_notes, without_single_atoms
from asteroid.labels.selection_rule import FARTHEST_NOTE
from study.prices import LevelPrice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.io.electrons import Electrons
    from asteroid.labels.label_set import LabelSet
    from study.config.label_files import LabelFile
    from study.data.card_prices import PricedFile


def declaration_of(given: LabelFile) -> Declaration:
    """What a sweep declares of a label file, for its reader: the fields of the same names."""
    return Declaration(**{field.name: getattr(given, field.name) for field in fields(Declaration)})


class LoadedFile(NamedTuple):
    """What a study needs of a label file.

    Attributes:
        labels: labels that passed the guards; without energies and forces where only geometries are wanted.
        price: what a label and the sampling of a frame cost.
        card: the data card as lines.
        card_json: the same as plain data; None for geometries.
        electrons: charge and spin that the file states of all its molecules, or None.
    """

    labels: LabelSet
    price: LevelPrice
    card: list[str]
    card_json: dict[str, Any] | None
    electrons: Electrons | None = None


def load_file(priced: PricedFile, prices: Mapping[str, float]) -> LoadedFile:
    """Read, check and price one file or set.

    Args:
        priced: the file as the sweep names it, filled from its sidecar.
        prices: prices by level, `data.prices` of the sweep, which come before the file's own.

    Raises:
        InputError: the file cannot be read, a guard refuses it, or it has no price.
    """
    return _load_geometries(priced) if priced.given.unlabelled else _load_labels(priced, prices)


def _load_labels(priced: PricedFile, prices: Mapping[str, float]) -> LoadedFile:
    given, source = priced.given, priced.given.file.name
    loaded = read_labels(given.file, declaration_of(given), several=True)
    labels, notes = _without_copies(loaded.labels, given)
    refuse_single_atoms(labels, source)
    labels, n_single = without_single_atoms(labels)
    notes += single_atom_notes(n_single)
    labels, outlying = _without_outliers(labels, given)
    notes += outlying
    checked = check_labels(
        labels, source, energies_alone=given.forces == "none", keep_outliers=given.outliers == "keep"
    )
    card = label_card(labels, source, checked, priced.selection_rule)
    stated = prices.get(labels.level)
    label_cpu_s = given.price if stated is None else stated
    if label_cpu_s is None:
        took = None if labels.cpu_s is None else f"{labels.cpu_s.mean():.3g}s"
        example = "28s" if took is None else f"{took}, the mean that these took"
        raise UndeclaredError(
            f"{source} ({labels.level}) needs a price per label: add for instance price: {example}",
            {"price": took or "28s"},
        )
    price = LevelPrice(label_cpu_s, priced.source if stated is None else "sweep file", given.sampling_price or 0.0)
    lines = [
        card.title(),
        f"  {loaded.units}",
        *(f"  {note}" for note in (*loaded.notes, *notes)),
        *card.lines(),
        _price_line(labels, price),
    ]
    return LoadedFile(labels, price, lines, {**card.to_json(), "units": loaded.units}, loaded.electrons)


def _price_line(labels: LabelSet, price: LevelPrice) -> str:
    sampling = f" and {price.sampling_cpu_s:,.4g} CPU s to sample its geometry" if price.sampling_cpu_s else ""
    took = ""
    if labels.cpu_s is not None:  # of several molecules no label costs the median
        middle, name = (labels.cpu_s.mean(), "mean") if labels.varied else (np.median(labels.cpu_s), "median")
        took = f"; these took {middle:.3g}, {name}"
    return f"  price: {price.label_cpu_s:,.4g} CPU s a label{sampling} ({price.source}){took}"


def _without_copies(labels: LabelSet, given: LabelFile) -> tuple[LabelSet, list[str]]:
    """The first frame of each geometry, where the sweep wants copies dropped, and a note on how many were.

    Raises:
        InputError: copies are to be dropped and a number is not finite.
    """
    if given.duplicates != "drop" or not len(labels):
        return labels, []
    check_finite(labels, given.file.name)
    labels, dropped = drop_duplicates(labels)
    return as_one_molecule(labels), [f"{len(dropped)} duplicate frames dropped"] if len(dropped) else []


def _without_outliers(labels: LabelSet, given: LabelFile) -> tuple[LabelSet, list[str]]:
    """Labels without broken frames, where the sweep wants them dropped, and a note on which these were.

    Raises:
        InputError: outliers are to be dropped and a number is not finite.
    """
    if given.outliers != "drop" or not len(labels):
        return labels, []
    check_finite(labels, given.file.name)
    kept, dropped = drop_broken_frames(labels)
    return kept, list(dropped_notes(labels, dropped))


def _load_geometries(priced: PricedFile) -> LoadedFile:
    """Frames without labels; only their sampling has a price."""
    given, source = priced.given, priced.given.file.name
    frames = read_geometries(given.file, declaration_of(given))
    if not len(frames):
        raise InputError(f"{source} needs frames, found none: check the file")
    check_finite(frames, source)
    frames, notes = _without_copies(frames, given)
    frames, outlying = _without_outliers(frames, given)
    notes += outlying
    refuse_broken_geometries(frames, source)
    check_lengths(frames, source)
    check_distinct(frames, source)
    if given.sampling_price is None:
        raise UndeclaredError(
            f"{source} needs the price of sampling a frame: add for instance sampling_price: 28ms",
            {"sampling_price": "28ms"},
        )
    price = LevelPrice(given.price or 0.0, priced.source, given.sampling_price)
    if priced.selection_rule == "farthest":
        notes.append(FARTHEST_NOTE)
    notes.append(f"price: {price.sampling_cpu_s:,.4g} CPU s to sample a frame ({price.source})")
    title = f"{frames.level}: {len(frames):,} frames without labels from {source}"
    return LoadedFile(frames, price, [title, *(f"  {note}" for note in notes)], None)
