"""`label`: energies and forces of the user's own geometries at any level, with their price."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from asteroid.errors import InputError
from sweeps.listening import unheard
from sweeps.methods import make_method

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labelling.labeller import Method
    from asteroid.labels.label_set import LabelSet
    from asteroid.labels.selection_rule import SelectionRule
    from study.labelling.label_run import LabelProgress, LabelRun
    from sweeps.quantities import FilePath


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labels in their file; `print` shows what they cost.

    Attributes:
        file: the labels; settings and price stand in the sidecar beside it.
        labels: the same.
        price_cpu_s: median CPU seconds of a label.
        n_failed: geometries without a label, listed in a file beside the labels.
        said: in words, as the command prints it.
    """

    file: Path
    labels: LabelSet
    price_cpu_s: float
    n_failed: int
    said: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.said)


def label(
    geometries: FilePath,
    *,
    level: str,
    out: FilePath,
    n: int | None = None,
    select: Literal["random", "farthest"] = "random",
    seed: int = 0,
    workers: int = 1,
    calculator: str | None = None,
    charge: int | None = None,
    spin: int | None = None,
    max_cycle: int = 100,
    length_unit: str | None = None,
    group_key: str | None = None,
    energies: bool = False,
    on_progress: Callable[[LabelProgress], None] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Labelled:
    """Compute energies and forces of geometries; run again after a kill, it goes on, and with a larger n it adds.

    Args:
        geometries: .xyz, .extxyz or .npz.
        level: level of theory, METHOD[/BASIS].
        out: file of the labels, .npz, or .xyz and .extxyz.
        n: label a subset; a larger one contains it; None: all.
        select: rule of the subset: random, or farthest for frames far from each other (not for learning curves).
        seed: of a random subset.
        workers: Ray workers, one core each; 1 labels in this process.
        calculator: function that makes an ASE calculator, MODULE:FACTORY; the level then names it.
        charge: total charge; None: what the file states, else 0.
        spin: number of unpaired electrons; None: likewise.
        max_cycle: iterations before a geometry counts as failed.
        length_unit: unit of length of a file that does not say it; of XYZ it is Å.
        group_key: key of the groups (replicas, time blocks) in the file.
        energies: compute energies without forces.
        on_progress: called as labels are computed.
        on_line: told what was taken from the file.

    Raises:
        InputError: a file or an argument that cannot be used, or geometries all of which fail.
        WorkersLostError: workers died; finished labels are kept.
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from study.labelling.geometry_files import read_frames
    from study.labelling.label_run import LabelJob, run_labels
    from study.labelling.output_files import check_output
    from study.labelling.work_folder import work_folder

    source, file, tell = Path(geometries), Path(out), on_line or unheard
    if select not in ("random", "farthest"):
        raise InputError(f"--select is random or farthest, found {select!r}: choose one of them")
    check_output(file)
    if file.resolve() == source.resolve():
        raise InputError(f"--out must not be the file of the geometries, found {out} for both: choose another name")
    method = make_method(source, level, charge, spin, max_cycle, calculator, tell, energies_alone=energies)
    notes: list[str] = []
    frames = read_frames(source, length_unit=length_unit, group_key=group_key, notes=notes)
    for line in notes:
        tell(line)
    job = LabelJob(frames, method, n, seed, select)
    run = run_labels(job, work_folder(file), workers, on_progress or unheard)
    everything = n is None or n >= len(frames) - run.copies
    return _save(file, run, method, source, "all" if everything else select, f"{n} by hash order, seed {seed}")


def _save(out: Path, run: LabelRun, method: Method, geometries: Path, chosen: SelectionRule, random: str) -> Labelled:
    import numpy as np

    from analysis.names import duration
    from asteroid.io.selection_rule import selection_rule_of
    from asteroid.labels.selection_rule import KEY, combined_rule
    from study.labelling.output_files import method_card, write_failures, write_output
    from study.labelling.timing import price_text
    from study.run.hardware import processor

    cpu_s = run.labels.cpu_s
    assert cpu_s is not None
    price = float(np.median(cpu_s))
    inherited = selection_rule_of(geometries)
    rule = combined_rule(inherited, chosen)
    subset = {
        "all": "all geometries",
        "random": f"a random subset of {random}: it nests in larger ones",
        "farthest": "farthest-point sampling in sorted pair distances over their spread: it nests in larger ones",
    }[chosen]
    if inherited == "farthest":
        subset += f"; the geometries of {geometries.name} were chosen by farthest-point sampling themselves"
    card = {
        **method_card(method),
        "geometries": geometries.name,
        "selection": subset,
        KEY: rule,
        "N": len(run.labels),
        "failures": len(run.failures),
        "price_cpu_s": price,
        "price_source": f"median CPU time of {len(run.labels)} labels on {processor()}, one thread",
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    failed = write_failures(out, run.failures)
    write_output(out, run.labels, card)
    said = []
    if run.copies:
        said.append(f"note: {run.copies} geometries are copies of earlier ones and were left out")
    said.append(f"{out}: {len(run.labels):,} labels of {method.level}; settings and price: {out.stem}.meta.json")
    if rule == "farthest":
        said.append(
            "note: chosen by farthest-point sampling: to train on; learning curves and test sets of these will say so"
        )
    if run.failures:
        said.append(f"{failed}: {len(run.failures):,} geometries without a label, with the reason for each")
    spent = float(cpu_s.sum()) + sum(failure.cpu_s for _, failure in run.failures)
    said.append(
        f"price: {price_text(price)} of CPU a label (median), {duration(spent)} in all; in a sweep file price: "
        f"{price_text(price)}, or --price {shlex.quote(f'{method.level}={price_text(price)}')}"
    )
    return Labelled(out, run.labels, price, len(run.failures), tuple(said))
