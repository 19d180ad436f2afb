"""The command `buy`: labels bought in rounds until a force field meets its target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from sweeps.api import buy as api
from sweeps.console import DISK_FULL, say, stop
from sweeps.options import Confidence, Device, ForceUnit, GpusPerWorker
from sweeps.quantities import FORCE_UNIT
from sweeps.resume import typed_command

_KEPT = "labels and finished stages are kept"


def buy(
    study: Annotated[
        str,
        typer.Argument(metavar="STUDY", help="Study file (a sweep file with a section 'buy') or the name of a preset."),
    ],
    target: Annotated[
        str,
        typer.Option(
            help="MAE of forces or energies that the model is to meet, with its unit.", metavar='"0.3 kcal/mol/A"'
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the purchase.")],
    confidence: Confidence = 0.9,
    most: Annotated[
        str | None, typer.Option(help="Limit: labels, or CPU time of labels and training.", metavar="200|20h")
    ] = None,
    prior: Annotated[
        str, typer.Option(help="What is known of learning curves beforehand: learnt or vague.", metavar="learnt|vague")
    ] = "learnt",
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Replace handed-over geometries that have no output by the next ones.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Ray workers, one core each. Default: none, or all cores of the cluster with --ray-address."
        ),
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Ray cluster, HOST:PORT or auto (docs/cluster.md).", metavar="ADDRESS")
    ] = None,
    device: Device = "cpu",
    gpus_per_worker: GpusPerWorker = None,
    force_unit: ForceUnit = FORCE_UNIT,
) -> None:
    """Buy accurate labels in rounds until a model meets its target error; run again, it continues.

    Each round labels a batch, cross-validates every strategy inside the labels owned, and stops when the target is met
    with the confidence asked for. No test set is needed. docs/buying.md describes study files.

    Examples:

      asteroid-study buy methanol.yaml --target "0.3 kcal/mol/A" --out methanol

      asteroid-study buy quickstart --target "0.3 kcal/mol/A" --out purchase

      asteroid-study buy methanol.yaml --target "0.3 kcal/mol/A" --out methanol --confidence 0.8 --most 200

      asteroid-study buy ethanol.yaml --target "10 meV/A" --out ethanol --most 20h --workers 2
    """
    from analysis.purchase_files import CERTIFICATE
    from study.engine.executors import PackFailedError
    from study.labelling.ray_workers import WorkersLostError
    from sweeps.progress import label_progress_line, make_display

    try:
        with make_display() as display:
            found = api.buy(
                study,
                target=target,
                out=out,
                confidence=confidence,
                most=most,
                prior=cast("Literal['learnt', 'vague']", prior),
                give_up=give_up,
                workers=workers,
                ray_address=ray_address,
                device=device,
                gpus_per_worker=gpus_per_worker,
                force_unit=force_unit,
                on_progress=display.show,
                on_labels=lambda progress: display.show_line(label_progress_line(progress)),
                on_line=display.note,
            )
    except KeyboardInterrupt:
        stop("stopped", _KEPT, typed_command(), 130)
    except (PackFailedError, WorkersLostError) as error:
        stop(f"error: {error}", _KEPT, typed_command(), 1)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        stop(f"error: the disk is full ({out}): free some space", _KEPT, typed_command(), 2)
    for line in found.lines(force_unit):
        say(line)
    if not found.ended:
        say(f"to go on: {typed_command(without='--give-up')}")
        return
    say(f"model: {found.model} (export, predict, md: docs/use.md); labels: {out / 'labels.npz'}")
    say(f"certificate: {out / CERTIFICATE}.json (and .txt); figure: {out / 'figures' / 'purchase.pdf'}")
