"""The command `buy`: labels bought in rounds until a force field meets its target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from asteroid.errors import InputError
from sweeps.console import DISK_FULL, say, stop
from sweeps.executors import executor_maker
from sweeps.options import FORCE_UNIT, Confidence, ForceUnit
from sweeps.resume import typed_command

if TYPE_CHECKING:
    from study.buying.candidates import Candidates
    from study.buying.state import PurchaseState

_KEPT = "labels and finished stages are kept"


def buy(
    study: Annotated[
        str,
        typer.Argument(metavar="STUDY", help="Study file (a sweep file with a section 'buy') or the name of a preset."),
    ],
    target: Annotated[
        str, typer.Option(help="Force MAE that the model is to meet, with its unit.", metavar='"0.3 kcal/mol/A"')
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
    from asteroid.units import parse_force
    from study.buying.candidates import load_candidates
    from study.buying.decision import Request
    from study.buying.labellers import make_labeller
    from study.buying.purchase import Tools, run_purchase
    from study.engine.executors import PackFailedError
    from study.labelling.ray_workers import WorkersLostError
    from study.run.folder import scratch_path
    from sweeps.presets import load_purchase
    from sweeps.progress import label_progress_line, make_display
    from sweeps.purchases import decider, parse_most, round_line

    request = Request(parse_force(target), _confidence(confidence), *parse_most(most), _prior(prior))
    loaded = load_purchase(study)
    candidates = load_candidates(loaded)
    for line in candidates.card:
        say(line)
    say(f"into {out}")
    try:
        with make_display() as display:
            tools = Tools(
                labeller=make_labeller(
                    loaded,
                    candidates,
                    workers=workers or 1,
                    calculator_folder=Path.cwd(),
                    give_up=give_up,
                    on_progress=lambda progress: display.show_line(label_progress_line(progress)),
                ),
                make_executor=executor_maker(workers, ray_address, scratch_path(out), display.note),
                decide=decider(force_unit),
                on_progress=display.show,
                on_round=lambda state: display.note(round_line(state, force_unit)),
                on_note=display.note,
            )
            state = run_purchase(loaded, candidates, out, request, tools)
    except KeyboardInterrupt:
        stop("stopped", _KEPT, typed_command(), 130)
    except (PackFailedError, WorkersLostError) as error:
        stop(f"error: {error}", _KEPT, typed_command(), 1)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        stop(f"error: the disk is full ({out}): free some space", _KEPT, typed_command(), 2)
    _tell(state, out, force_unit, candidates)


def _confidence(confidence: float) -> float:
    if not 0.5 <= confidence <= 0.99:
        raise InputError(f"--confidence lies between 0.5 and 0.99, found {confidence:g}: write for instance 0.9")
    return confidence


def _prior(name: str) -> Literal["learnt", "vague"]:
    if name not in ("learnt", "vague"):
        raise InputError(f"--prior is learnt or vague, found {name!r}: choose one of them")
    return "learnt" if name == "learnt" else "vague"


def _tell(state: PurchaseState, out: Path, force_unit: str, candidates: Candidates) -> None:
    """The rounds, and the model with its certificate or what is to be done."""
    from analysis.figures.save import save_purchase
    from analysis.purchase_files import CERTIFICATE
    from asteroid.deploy.folder import write_force_field
    from study.export.purchase_model import purchase_force_field
    from sweeps.purchases import MODEL, hidden_line, rounds_lines, write_certificate

    if state.rounds:
        for line in rounds_lines(state, force_unit):
            say(line)
    if state.status == "waiting":
        for line in state.waiting_for:
            say(line)
        say(f"to go on: {typed_command(without='--give-up')}")
        return
    write_force_field(purchase_force_field(out, candidates=candidates), out / MODEL)
    for line in (*state.rounds[-1].verdict.sentences, *write_certificate(out, state, candidates, force_unit)):
        say(line)
    assert state.delivered is not None
    if state.delivered["hidden_error_ev_ang"] is not None:
        say(hidden_line(state, force_unit))
    save_purchase(out, out / "figures", force_unit, level=candidates.prices.accurate)
    say(f"model: {out / MODEL} (export, predict, md: docs/use.md); labels: {out / 'labels.npz'}")
    say(f"certificate: {out / CERTIFICATE}.json (and .txt); figure: {out / 'figures' / 'purchase.pdf'}")
