"""A trajectory in a folder: frames, a table of what was observed, and the state that it goes on from after a kill."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.symbols import Symbols

from asteroid.dynamics.watched_dynamics import Observation, State, first_state, run
from asteroid.errors import InputError
from asteroid.new_file import new_file
from study.files import write_json
from study.labelling.work_folder import claimed_work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TextIO

    from asteroid.deploy.force_field import ForceField
    from asteroid.dynamics.watched_dynamics import Settings
    from asteroid.labels.label_set import FloatArray, IntArray

TRAJECTORY, TABLE, STATE, SUMMARY = "trajectory.xyz", "observations.csv", "state.npz", "summary.json"
#: A trajectory has left the training data when so many observations in a row are outside.
LEFT_AFTER = 10
_CHECKPOINT_S = 2.0
_COLUMNS = tuple(field.name for field in fields(Observation))


@dataclass(frozen=True)
class Summary:
    """What came of a trajectory.

    Attributes:
        ended: "complete", "broken bond" or "left the training data".
        time_ps: its length.
        observations: frames observed.
        temperature_k: mean kinetic temperature.
        drift_mev_atom_ps: slope of the total energy; NaN with a thermostat.
        outside_share: share of the observations outside the training data; NaN where it is not known.
        largest_force_error_ev_ang: largest error of a force component that was to be expected; NaN without a committee.
        longest_bond: largest length of a bond over the sum of its covalent radii.
        broken: observations with a broken bond.
    """

    ended: str
    time_ps: float
    observations: int
    temperature_k: float
    drift_mev_atom_ps: float
    outside_share: float
    largest_force_error_ev_ang: float
    longest_bond: float
    broken: int


def run_md(
    force_field: ForceField,
    numbers: IntArray,
    start: FloatArray,
    settings: Settings,
    folder: Path,
    *,
    stop_outside: bool,
    on_progress: Callable[[Observation], None],
) -> Summary:
    """Run a trajectory, or go on with one.

    Args:
        force_field: what the forces come from.
        numbers: atomic numbers [A].
        start: first geometry [A, 3] in Å.
        settings: of the dynamics.
        folder: made where it does not exist.
        stop_outside: end when the trajectory has left the training data.
        on_progress: told every observation.

    Raises:
        InputError: the folder belongs to another trajectory, the molecule is not the model's, or the integration fails.
    """
    force_field.check(numbers, start[None])
    job = {
        "numbers": numbers.tolist(),
        "start": start.tolist(),
        "stages": list(force_field.card.training.stage_keys),
        **asdict(settings),
    }
    with claimed_work(folder, job):
        state, sizes = _read_state(folder) or (first_state(numbers, start, settings), (0, 0))
        seen = _resume(folder, sizes)
        ended, row = "complete", _left(seen)
        with (folder / TRAJECTORY).open("a") as frames, (folder / TABLE).open("a") as table:
            if not seen:
                table.write(",".join(_COLUMNS) + "\n")
            written = time.monotonic()
            for now, found in run(force_field, numbers, state, settings) if not _over(seen, stop_outside) else ():
                state = now
                if state.step <= 0:
                    continue
                seen.append(found)
                table.write(",".join(map(str, asdict(found).values())) + "\n")
                _write_frame(frames, numbers, state.positions, found)
                row = row + 1 if found.outside else 0
                over = found.broken or (stop_outside and row >= LEFT_AFTER)
                if over or state.step >= settings.steps or time.monotonic() - written > _CHECKPOINT_S:
                    frames.flush()
                    table.flush()
                    _write_state(folder, state, (frames.tell(), table.tell()))
                    written = time.monotonic()
                on_progress(found)
                if over:
                    break
        if seen and seen[-1].broken:
            ended = "broken bond"
        elif stop_outside and row >= LEFT_AFTER:
            ended = "left the training data"
        summary = summary_of(force_field, seen, settings, ended, len(numbers))
        plain = {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in asdict(summary).items()}
        write_json(folder / SUMMARY, plain)
        return summary


def summary_of(
    force_field: ForceField, seen: list[Observation], settings: Settings, ended: str, n_atoms: int
) -> Summary:
    """What observations come to."""
    if not seen:
        raise InputError("a trajectory needs an observation, found none: make --time longer than --every")
    times = np.array([own.time_ps for own in seen])
    total = np.array([own.total_ev for own in seen])
    drift = math.nan
    if not settings.thermostat and len(seen) > 2:
        drift = float(np.polyfit(times, total, 1)[0]) * 1000 / n_atoms
    outside = math.nan if force_field.calibration is None else float(np.mean([own.outside for own in seen]))
    return Summary(
        ended=ended,
        time_ps=float(times[-1]),
        observations=len(seen),
        temperature_k=float(np.mean([own.temperature_k for own in seen])),
        drift_mev_atom_ps=drift,
        outside_share=outside,
        largest_force_error_ev_ang=float(np.max([own.force_error_ev_ang for own in seen])),
        longest_bond=max(own.longest_bond for own in seen),
        broken=sum(own.broken for own in seen),
    )


def _over(seen: list[Observation], stop_outside: bool) -> bool:
    return bool(seen) and (seen[-1].broken or (stop_outside and _left(seen) >= LEFT_AFTER))


def _left(seen: list[Observation]) -> int:
    """Observations in a row at the end that are outside."""
    row = 0
    for own in reversed(seen):
        if not own.outside:
            break
        row += 1
    return row


def _write_frame(file: TextIO, numbers: IntArray, positions: FloatArray, found: Observation) -> None:
    words = f"energy={found.potential_ev!r} time_ps={found.time_ps:.6f} outside={'T' if found.outside else 'F'}"
    file.write(f'{len(numbers)}\nProperties=species:S:1:pos:R:3 {words} pbc="F F F"\n')
    for number, at in zip(numbers.tolist(), positions.tolist(), strict=True):
        file.write(f"{Symbols([number])} {' '.join(f'{value:.8f}' for value in at)}\n")


def _write_state(folder: Path, state: State, sizes: tuple[int, int]) -> None:
    with new_file(folder / STATE) as temporary, temporary.open("wb") as target:
        np.savez(
            target,
            step=state.step,
            positions=state.positions,
            momenta=state.momenta,
            generator=np.array(json.dumps(state.generator)),
            sizes=np.array(sizes),
        )


def _read_state(folder: Path) -> tuple[State, tuple[int, int]] | None:
    if not (folder / STATE).exists():
        return None
    with np.load(folder / STATE, allow_pickle=False) as stored:
        generator = json.loads(str(stored["generator"]))
        state = State(int(stored["step"]), stored["positions"], stored["momenta"], generator)
        return state, (int(stored["sizes"][0]), int(stored["sizes"][1]))


def _resume(folder: Path, sizes: tuple[int, int]) -> list[Observation]:
    """Cut both files back to where the state was written, and read what was observed till then."""
    for name, size in zip((TRAJECTORY, TABLE), sizes, strict=True):
        path = folder / name
        if not path.exists():
            path.touch()
        with path.open("r+b") as file:
            file.truncate(size)
    lines = (folder / TABLE).read_text().splitlines()[1:]
    return [_observation(line.split(",")) for line in lines]


def _observation(values: list[str]) -> Observation:
    plain: dict[str, Any] = {
        name: value == "True" if name in ("outside", "broken") else float(value)
        for name, value in zip(_COLUMNS, values, strict=True)
    }
    return Observation(**plain)
