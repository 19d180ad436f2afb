"""The command `label`: energies and forces of the user's own geometries at any level, with their price."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asteroid.errors import InputError
from sweeps.console import note, say
from sweeps.options import Calculator, Charge, LengthUnit, MaxCycle, Spin, make_method
from sweeps.resume import stops_with_a_hint

if TYPE_CHECKING:
    from asteroid.labelling.labeller import Method
    from asteroid.labels.selection_rule import SelectionRule
    from study.labelling.label_run import LabelRun, Select


def label(
    geometries: Annotated[Path, typer.Argument(metavar="GEOMETRIES", help="Geometries: .xyz, .extxyz or .npz.")],
    level: Annotated[str, typer.Option(help="Level of theory, METHOD[/BASIS].", metavar="ccsd_t/cc-pvdz")],
    out: Annotated[Path, typer.Option("--out", help="Labels: .npz, or .xyz and .extxyz.")],
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Label a subset; a larger one contains it. Default: all.")
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            help="Rule of the subset: random, or farthest for frames far from each other (not for learning curves).",
            metavar="random|farthest",
        ),
    ] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of a random subset.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Ray workers, one core each; 1 labels in this process.")] = 1,
    calculator: Calculator = None,
    charge: Charge = None,
    spin: Spin = None,
    max_cycle: MaxCycle = 100,
    length_unit: LengthUnit = None,
    group_key: Annotated[str | None, typer.Option(help="Key of the groups (replicas, time blocks).")] = None,
) -> None:
    """Compute energies and forces of geometries; run again after a kill, it goes on, and with a larger --n it adds.

    Levels: uff, mmff94 (RDKit), gfn1-xtb, gfn2-xtb (tblite), and with a basis hf, pbe, b3lyp, mp2, ccsd, ccsd_t
    (PySCF; frozen core, density fitting for PBE), and sums of these. Calculations that do not converge are listed in a
    file of their own.

    Examples:

      asteroid-study label pool.npz --level ccsd_t/cc-pvdz --n 200 --out labels.npz --workers 2

      asteroid-study label pool.npz --level mp2/cc-pvdz --n 200 --select farthest --out spread.npz

      asteroid-study label pool.npz --level "ccsd_t/cc-pvdz + mp2/(cc-pvtz - cc-pvdz)" --out better.npz

      asteroid-study label frames.xyz --level mace/large --calculator my_models:make --out labels.extxyz
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from study.labelling.geometry_files import read_frames
    from study.labelling.label_run import LabelJob, run_labels
    from study.labelling.output_files import check_output
    from study.labelling.work_folder import work_folder
    from sweeps.progress import Ticker, label_progress_line

    rule = _rule(select)
    check_output(out)
    if out.resolve() == geometries.resolve():
        raise InputError(f"--out must not be the file of the geometries, found {out} for both: choose another name")
    method = make_method(geometries, level, charge, spin, max_cycle, calculator)
    notes: list[str] = []
    frames = read_frames(geometries, length_unit=length_unit, group_key=group_key, notes=notes)
    for line in notes:
        note(line)
    job = LabelJob(frames, method, n, seed, rule)
    with stops_with_a_hint("finished labels are kept"), Ticker() as ticker:
        run = run_labels(job, work_folder(out), workers, lambda progress: ticker.show(label_progress_line(progress)))
    everything = n is None or n >= len(frames) - run.copies
    _save(out, run, method, geometries, "all" if everything else rule, f"{n} by hash order, seed {seed}")


def _rule(word: str) -> Select:
    if word == "random":
        return "random"
    if word == "farthest":
        return "farthest"
    raise InputError(f"--select is random or farthest, found {word!r}: choose one of them")


def _save(out: Path, run: LabelRun, method: Method, geometries: Path, chosen: SelectionRule, random: str) -> None:
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
    if run.copies:
        say(f"note: {run.copies} geometries are copies of earlier ones and were left out")
    say(f"{out}: {len(run.labels):,} labels of {method.level}; settings and price: {out.stem}.meta.json")
    if rule == "farthest":
        say("note: chosen by farthest-point sampling: to train on; learning curves and test sets of these will say so")
    if run.failures:
        say(f"{failed}: {len(run.failures):,} geometries without a label, with the reason for each")
    spent = float(cpu_s.sum()) + sum(failure.cpu_s for _, failure in run.failures)
    say(
        f"price: {price_text(price)} of CPU a label (median), {duration(spent)} in all; in a sweep file price: "
        f"{price_text(price)}, or --price {shlex.quote(f'{method.level}={price_text(price)}')}"
    )
