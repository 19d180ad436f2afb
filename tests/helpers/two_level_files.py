"""Label files of two levels of methanol, as a user would write them, and the sweep that names them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from asteroid.datasets import Dataset, load_methanol
from asteroid.errors import InputError
from study.config.sweep_text import parse_sweep
from study.data.load import StudyData, load_data

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from asteroid.labels.label_set import LabelSet

Arrays = dict[str, "NDArray[Any]"]


@cache
def methanol() -> Dataset:
    return load_methanol()


def arrays(labels: LabelSet, rows: NDArray[np.int64]) -> Arrays:
    part = labels.select(rows)
    assert part.energy is not None
    assert part.forces is not None
    assert part.group is not None
    return {
        "z": part.numbers,
        "R": part.positions.copy(),
        "E": part.energy.copy(),
        "F": part.forces.copy(),
        "replica": part.group.copy(),
        "index": part.frame_id.copy(),
    }


def accurate_arrays() -> Arrays:
    """60 labels: 15 of each replica, replica after replica."""
    group = methanol().accurate.group
    assert group is not None
    return arrays(methanol().accurate, np.concatenate([np.flatnonzero(group == g)[:15] for g in range(4)]))


def cheap_arrays() -> Arrays:
    """160 frames: 40 of each replica."""
    return arrays(methanol().cheap, np.arange(0, 20_000, 125))


def take(data: Arrays, rows: Any) -> Arrays:
    return {key: value if key == "z" else value[rows] for key, value in data.items()}


def join(first: Arrays, second: Arrays) -> Arrays:
    """Frames of another level behind the first ones, on the first level's energy zero."""
    second = {**second, "E": second["E"] - np.median(second["E"]) + np.median(first["E"])}
    return {key: value if key == "z" else np.concatenate([value, second[key]]) for key, value in first.items()}


def rotated(data: Arrays, seed: int) -> Arrays:
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    return {**data, "R": data["R"] @ turn.T + 3.0, "F": data["F"] @ turn.T}


ACCURATE = "level: ccsd_t/cc-pvdz, price: 28s"
CHEAP = "level: gfn2-xtb, price: 2 ms, sampling_price: 50 ms"


def load(
    folder: Path,
    accurate: Arrays | None = None,
    cheap: Arrays | None = None,
    *,
    accurate_entry: str = ACCURATE,
    cheap_entry: str = CHEAP,
    prices: str = "{}",
    test: str = "groups: [3]",
    budgets: str = "[10, 30]",
    n_cheap: str = "[40]",
) -> StudyData:
    np.savez(folder / "accurate.npz", **(accurate_arrays() if accurate is None else accurate))
    np.savez(folder / "cheap.npz", **(cheap_arrays() if cheap is None else cheap))
    units = "energy_unit: eV, length_unit: Angstrom, group_key: replica"
    text = f"""
name: files
data:
  accurate: {{file: accurate.npz, {units}, {accurate_entry}}}
  cheap: {{file: cheap.npz, {units}, {cheap_entry}}}
  prices: {prices}
test: {{{test}}}
strategies: [accurate_only, cheap_only]
budgets: {budgets}
n_cheap: {n_cheap}
seeds: [0]
identify: {{steps: 100, learning_rate: 0.01}}
pretrain: {{steps: 100, learning_rate: 0.01}}
"""
    return load_data(parse_sweep(text, "sweep.yaml", folder))


def refusal(folder: Path, *given: Any, **changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(folder, *given, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message
