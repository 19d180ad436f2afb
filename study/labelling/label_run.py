"""Labels for many geometries: finished ones are kept one by one, so that a killed run goes on and repeats nothing."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Label, label_frame
from asteroid.labelling.open_labeller import open_labeller
from asteroid.labels.farthest_point import farthest_order
from asteroid.labels.label_set import LabelSet, geometry_hashes, hash_order
from asteroid.labels.selection_rule import KEY
from study.labelling.remaining_time import RemainingTime
from study.labelling.work_folder import claimed_work, method_settings, read_outcome, write_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labels.label_set import FloatArray, IntArray

Select = Literal["random", "farthest"]

#: Settings of work folders that do not state them, because they were begun when there was one rule.
_SETTINGS_BEFORE = {KEY: "random"}
#: Frames off which force fields read the bonds.
_REFERENCE_FRAMES = 100
#: If so many labels fail and none succeeds, the level or the geometries are wrong, and the rest would be money lost.
ALL_FAILED = 5
#: Cheap labels are sent to a worker in batches that take about so long, s: what a kill can cost.
_BATCH_S = 0.2
_LARGEST_BATCH = 200


@dataclass(frozen=True, eq=False)
class LabelJob:
    """What is to be labelled and how.

    Attributes:
        frames: the geometries to choose from; labels that they may have are ignored.
        method: level and settings.
        n: how many to label, a subset that grows with n; None for all.
        seed: of a random subset.
        select: "random", by the hash of the geometry, or "farthest" (`farthest_point`), which has no seed.
    """

    frames: LabelSet
    method: Method
    n: int | None
    seed: int
    select: Select = "random"


@dataclass(frozen=True)
class LabelProgress:
    """Where a run stands.

    Attributes:
        done: labels and failures, those found finished included.
        total: geometries to label.
        failed: failures.
        found: labels and failures that an earlier call had finished.
        cpu_s: CPU seconds of all labels and failures.
        left_s: estimated wall seconds to the end, or None.
    """

    done: int
    total: int
    failed: int
    found: int
    cpu_s: float
    left_s: float | None


@dataclass(frozen=True, eq=False)
class LabelRun:
    """What came of a job.

    Attributes:
        labels: the labels in the order of the geometry file; `cpu_s` of each.
        failures: geometries without a label: `frame_id` and why.
        copies: geometries that were left out because an earlier one is the same.
    """

    labels: LabelSet
    failures: tuple[tuple[int, Failure], ...]
    copies: int


def run_labels(
    job: LabelJob,
    folder: Path,
    workers: int,
    on_progress: Callable[[LabelProgress], None],
    *,
    few_may_fail: bool = False,
) -> LabelRun:
    """Compute the labels that are not finished yet.

    Args:
        job: geometries and level.
        folder: work folder; what is finished in it is not computed again.
        workers: 1 labels in this process, more in Ray workers of one thread each.
        on_progress: called at the start and after every label.
        few_may_fail: whether it is no mistake that all labels of a job of less than `ALL_FAILED` fail.

    Raises:
        InputError: more labels than geometries are asked for, the level does not suit the molecule, the folder belongs
            to another job, or every label fails.
    """
    labeller = _opened(job)
    rows, copies = chosen_rows(job)
    hashes = geometry_hashes(job.frames)
    with claimed_work(folder, job_settings(job), _SETTINGS_BEFORE):
        outcomes = {hashes[row]: outcome for row in rows if (outcome := read_outcome(folder, hashes[row]))}
        todo = [(hashes[row], job.frames.positions[row]) for row in rows if hashes[row] not in outcomes]
        failed = [outcome.reason for outcome in outcomes.values() if isinstance(outcome, Failure)]
        cpu_s = sum(outcome.cpu_s for outcome in outcomes.values())
        remaining = RemainingTime(len(outcomes))
        suspicious = ALL_FAILED if few_may_fail else min(ALL_FAILED, len(rows))

        def report() -> None:
            done, left_s = len(outcomes), remaining.left_s(len(outcomes), len(rows))
            on_progress(LabelProgress(done, len(rows), len(failed), remaining.found, cpu_s, left_s))
            if len(failed) == done >= suspicious:
                raise InputError(
                    f"all of the first {done} labels at {job.method.level} failed ({failed[0]}): check level and "
                    f"geometries, then remove {folder} or choose another --out"
                )

        report()
        with closing(_computed(job, labeller, todo, workers)) as computed:
            for key, outcome in computed:
                write_outcome(folder, key, outcome)
                outcomes[key] = outcome
                cpu_s += outcome.cpu_s
                if isinstance(outcome, Failure):
                    failed.append(outcome.reason)
                report()
    return _collect(job, np.sort(rows), hashes, outcomes, copies)


def chosen_rows(job: LabelJob) -> tuple[IntArray, int]:
    """Rows to label in the order of the job's rule, each geometry once, and the number of copies left out.

    Raises:
        InputError: there are fewer distinct geometries than labels asked for, or a seed where the rule has none.
    """
    if job.select == "farthest" and job.seed:
        raise InputError(f"farthest-point sampling has no seed, found --seed {job.seed}: leave it out")
    hashes = geometry_hashes(job.frames)
    first = {key: row for row, key in reversed(list(enumerate(hashes)))}
    order = hash_order(job.frames, job.seed, "label")
    distinct = np.array([row for row in order.tolist() if first[hashes[row]] == row], dtype=np.int64)
    if job.n is not None and job.n > len(distinct):
        raise InputError(f"--n {job.n} is more than there are geometries: the largest possible is {len(distinct)}")
    copies = len(hashes) - len(distinct)
    if job.select == "farthest" and job.n is not None and job.n < len(distinct):
        return distinct[farthest_order(job.frames.select(distinct), job.n)], copies
    return distinct[: job.n], copies


def job_settings(job: LabelJob) -> dict[str, Any]:
    """Everything that a label or its choice depends on but the number of labels, as plain data."""
    state = hashlib.blake2b(digest_size=16)
    for key, frame_id in zip(geometry_hashes(job.frames), job.frames.frame_id.tolist(), strict=True):
        state.update(f"{key}{frame_id}".encode())
    return {
        "kind": "labels",
        **method_settings(job.method),
        "seed": job.seed,
        KEY: job.select,
        "geometry_file": state.hexdigest(),
    }


def reference_frames(frames: LabelSet) -> FloatArray:
    """Frames off which bonds are read, spread over the file, [n, A, 3] in Å."""
    step = max(1, len(frames) // _REFERENCE_FRAMES)
    return frames.positions[::step][:_REFERENCE_FRAMES]


def _opened(job: LabelJob) -> Labeller:
    """The labeller of this process; also with workers, so that mistakes show before any starts."""
    if not len(job.frames):
        raise InputError("there are no geometries to label: check the file")
    return open_labeller(job.method, job.frames.numbers, reference_frames(job.frames))


def _computed(
    job: LabelJob, labeller: Labeller, todo: Sequence[tuple[str, FloatArray]], workers: int
) -> Generator[tuple[str, Label | Failure]]:
    """Outcomes as they come, from this process or from Ray workers."""
    numbers, reference = job.frames.numbers, reference_frames(job.frames)
    if not todo:
        return
    if workers == 1:
        for key, positions in todo:
            yield key, label_frame(labeller, positions)
        return
    from study.labelling.ray_workers import ray_labels

    spent: list[float] = []

    def batch_size() -> int:
        if not spent:
            return 1
        mean = sum(spent[-_LARGEST_BATCH:]) / len(spent[-_LARGEST_BATCH:])
        return max(1, min(_LARGEST_BATCH, int(_BATCH_S / max(mean, 1e-9))))

    with closing(ray_labels(job.method, numbers, reference, todo, workers, batch_size)) as labels:
        for key, outcome in labels:
            spent.append(outcome.cpu_s)
            yield key, outcome


def _collect(
    job: LabelJob, rows: IntArray, hashes: list[str], outcomes: dict[str, Label | Failure], copies: int
) -> LabelRun:
    finished = [(row, outcomes[hashes[row]]) for row in rows.tolist()]
    good = [(row, outcome) for row, outcome in finished if isinstance(outcome, Label)]
    failures = tuple(
        (int(job.frames.frame_id[row]), outcome) for row, outcome in finished if isinstance(outcome, Failure)
    )
    frames = job.frames.select([row for row, _ in good])
    labels = LabelSet(
        numbers=frames.numbers,
        positions=frames.positions,
        energy=np.array([label.energy_ev for _, label in good]),
        forces=None
        if job.method.energies_alone
        else np.array([label.forces_ev_ang for _, label in good], dtype=float).reshape(frames.positions.shape),
        level=job.method.level,
        cpu_s=np.array([label.cpu_s for _, label in good]),
        frame_id=frames.frame_id,
        group=frames.group,
    )
    return LabelRun(labels, failures, copies)
