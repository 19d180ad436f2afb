"""The packaged data: methanol at GFN2-xTB and CCSD(T)/cc-pVDZ, computed for this project (see methanol.md here)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from asteroid.datasets.card import DataCard, LevelCard, level_card
from asteroid.io.declaration import Declaration
from asteroid.io.file_units import decide_units
from asteroid.io.npz import read_npz
from asteroid.io.read import LoadedLabels, convert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.labels.label_set import LabelSet

_ACCURATE = "methanol_ccsd_t_cc-pvdz"
_CHEAP = "methanol_gfn2-xtb"
_MP2 = "methanol_mp2_cc-pvdz"
#: The level between the two, of which there are fewer labels.
MP2_LEVEL = "mp2/cc-pvdz"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labels of one molecule at an accurate and a cheap level.

    Attributes:
        name: the data set's name.
        accurate: accurate labels; group = replica, frame_id = row in `cheap`.
        cheap: cheap labels; group = replica, frame_id = row.
        card: provenance, prices and groups.
    """

    name: str
    accurate: LabelSet
    cheap: LabelSet
    card: DataCard


def load_methanol() -> Dataset:
    """Load methanol: 20,000 GFN2-xTB frames at 500 K, 1,360 of them with CCSD(T)/cc-pVDZ labels too.

    Every accurate geometry is also a cheap frame: choose cheap frames with `asteroid.labels.splits.cheap_pool_rows`.
    """
    accurate, meta = _load(_ACCURATE)
    cheap, cheap_meta = _load(_CHEAP)
    card = DataCard(
        name="methanol",
        formula="CH3OH",
        n_atoms=len(cheap.labels.numbers),
        temperature_k=float(cheap_meta["temperature_K"]),
        sampling=(
            f"{cheap_meta['temperature_K']:g} K Langevin dynamics on GFN2-xTB, {cheap_meta['replicas']} replicas of "
            f"{cheap_meta['frames_per_replica']:,} frames, {cheap_meta['stride_fs']:g} fs apart; the accurate frames "
            "are a uniform random sample of them"
        ),
        test_groups=(3,),
        licence="MIT, computed for this project",
        accurate=level_card(
            accurate.labels,
            accurate.units,
            meta,
            provenance=f"frozen-core CCSD(T)/cc-pVDZ, analytic gradients, PySCF {meta['pyscf_version']}",
            measured_note="with a faster evaluation of the (T) response than stock PySCF has",
        ),
        cheap=level_card(
            cheap.labels,
            cheap.units,
            cheap_meta,
            provenance=f"GFN2-xTB, tblite {cheap_meta['tblite_version']}",
            measured_note="a whole dynamics step on a busy core",
        ),
    )
    return Dataset(name="methanol", accurate=accurate.labels, cheap=cheap.labels, card=card)


def load_methanol_mp2() -> tuple[LabelSet, LevelCard]:
    """Load the MP2/cc-pVDZ labels of methanol: at accurate geometries outside the test replica; group = replica."""
    mp2, meta = _load(_MP2)
    card = level_card(
        mp2.labels,
        mp2.units,
        meta,
        provenance=f"frozen-core MP2/cc-pVDZ, analytic gradients, PySCF {meta['pyscf_version']}",
        measured_note="on a busy core",
    )
    return mp2.labels, card


def _load(stem: str) -> tuple[LoadedLabels, Mapping[str, Any]]:
    folder = resources.files(__package__)
    sidecar = f"{stem}.meta.json"
    meta = {**json.loads(folder.joinpath(sidecar).read_text(encoding="utf-8")), "sidecar": sidecar}
    source, declared = f"{stem}.npz", Declaration()
    with folder.joinpath(source).open("rb") as stream:
        file = read_npz(stream, source, meta, declared)
    return convert(file, decide_units(file, source, declared), source, None), meta
