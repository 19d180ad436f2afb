"""Four ways to a label behind one protocol: computed here, by the user's calculator, elsewhere, or from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from asteroid.labelling.labeller import Failure, Label, Method
from asteroid.labelling.levels import computable_level
from asteroid.labelling.open_labeller import open_labeller
from asteroid.labels.label_set import geometry_hashes
from study.buying.hand_over import HandOver
from study.labelling.label_run import LabelJob, reference_frames, run_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.labels.label_set import LabelSet
    from study.buying.batch import Batch, Labeller, Outcome
    from study.buying.candidates import Candidates
    from study.config.buying import BuyStudy
    from study.labelling.label_run import LabelProgress


class HereLabeller:
    """Labels computed on this machine: a level of the command `label`, or an ASE calculator of the user's.

    Args:
        method: level and settings.
        workers: 1 labels in this process, more in Ray workers of one thread each.
        on_progress: called at the start and after every label.
    """

    def __init__(self, method: Method, workers: int, on_progress: Callable[[LabelProgress], None]) -> None:
        self._method, self._workers, self._on_progress = method, workers, on_progress

    def label(self, batch: Batch) -> list[Outcome]:
        """Compute what is missing."""
        job = LabelJob(batch.frames, self._method, None, 0)
        run = run_labels(job, batch.folder, self._workers, self._on_progress, few_may_fail=True)
        labels = run.labels
        assert labels.energy is not None
        assert labels.cpu_s is not None
        forces = [None] * len(labels) if labels.forces is None else list(labels.forces)
        found: dict[int, Outcome] = dict(run.failures)
        for i, frame_id in enumerate(labels.frame_id.tolist()):
            found[frame_id] = Label(float(labels.energy[i]), forces[i], float(labels.cpu_s[i]))
        return [found[frame_id] for frame_id in batch.frames.frame_id.tolist()]


class ReplayLabeller:
    """Labels from a file, as if they were bought.

    Args:
        labels: with energies and forces; NaN where energies alone are bought.
        price_cpu_s: CPU seconds that a label counts as, where the file does not say.
    """

    def __init__(self, labels: LabelSet, price_cpu_s: float) -> None:
        assert labels.energy is not None
        assert labels.forces is not None
        cpu_s = [price_cpu_s] * len(labels) if labels.cpu_s is None else labels.cpu_s.tolist()
        forces = [None if np.isnan(own).any() else own for own in labels.forces]
        parts = zip(geometry_hashes(labels), labels.energy.tolist(), forces, cpu_s, strict=True)
        self._known = {key: Label(energy, own, seconds) for key, energy, own, seconds in parts}

    def label(self, batch: Batch) -> list[Outcome]:
        """Look the labels up."""
        missing = Failure("the file of labels has none for this geometry", 0.0)
        return [self._known.get(key, missing) for key in geometry_hashes(batch.frames)]


def make_labeller(
    study: BuyStudy,
    candidates: Candidates,
    *,
    workers: int,
    calculator_folder: Path,
    give_up: bool,
    on_progress: Callable[[LabelProgress], None],
) -> Labeller:
    """The labeller that a study file names.

    Args:
        study: the study file.
        candidates: what may be labelled.
        workers: Ray workers that compute labels; 1 for none.
        calculator_folder: folder to look for a calculator's module in, beside the installed packages.
        give_up: replace handed-over geometries that have no output.
        on_progress: called at every label computed here.

    Raises:
        InputError: the level cannot be computed or does not suit the molecule, or the template cannot be read.
    """
    buy, price_cpu_s = study.buy, candidates.prices.accurate_cpu_s(1)
    if buy.here is not None:
        here = buy.here
        level = str(buy.level) if here.calculator is not None else computable_level(str(buy.level))
        folder = None if here.calculator is None else str(calculator_folder)
        method = Method(
            level, here.charge, here.unpaired, here.max_cycle, here.calculator, folder, study.energies_alone
        )
        open_labeller(method, candidates.frames.numbers, reference_frames(candidates.frames))  # mistakes show at once
        return HereLabeller(method, workers, on_progress)
    if buy.hand_over is not None:
        return HandOver(
            buy.hand_over,
            candidates.prices.accurate,
            price_cpu_s,
            give_up=give_up,
            energies_alone=study.energies_alone,
        )
    assert candidates.replay is not None
    return ReplayLabeller(candidates.replay, price_cpu_s)


def make_intermediate_labeller(
    study: BuyStudy,
    candidates: Candidates,
    *,
    workers: int,
    give_up: bool,
    on_progress: Callable[[LabelProgress], None],
) -> Labeller | None:
    """The labeller of the level between: a file where there is one, another program, or here; None without a ladder.

    Args:
        study: the study file.
        candidates: what may be labelled.
        workers: Ray workers that compute labels; 1 for none.
        give_up: replace handed-over geometries that have no output.
        on_progress: called at every label computed here.

    Raises:
        InputError: the level cannot be computed or does not suit the molecule, or the template cannot be read.
    """
    between, here = candidates.intermediate, study.buy.here
    if between is None:
        return None
    if between.known is not None:
        return ReplayLabeller(between.known, candidates.prices.levels[between.level].label_cpu_s)
    if study.buy.intermediate is not None:
        price_cpu_s = candidates.prices.levels[between.level].label_cpu_s
        return HandOver(study.buy.intermediate, between.level, price_cpu_s, give_up=give_up)
    assert here is not None
    method = Method(computable_level(between.level), here.charge, here.unpaired, here.max_cycle)
    open_labeller(method, between.frames.numbers, reference_frames(between.frames))  # mistakes show at once
    return HereLabeller(method, workers, on_progress)
