"""The command `asteroid-study`. Heavy imports wait inside the commands, so that --help answers at once."""

from __future__ import annotations

import errno
import functools
import shlex
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer
from rich.console import Console
from typer.exceptions import TyperException

from asteroid.errors import InputError
from sweeps.calibrate_command import calibrate
from sweeps.check_command import check, count_lines, label_lines
from sweeps.convert_command import convert
from sweeps.fit_command import fit
from sweeps.label_command import label
from sweeps.plan_command import plan, priced
from sweeps.sample_command import sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.frames import FrameBank
    from study.executors import Executor

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="How many accurate labels does a machine-learned force field need, and what do they cost?\n\n"
    "Run a sweep, plot its learning curves, plan what to buy:\n\n"
    "  asteroid-study run quickstart --out runs/quickstart\n\n"
    "  asteroid-study plot runs/quickstart\n\n"
    '  asteroid-study plan runs/quickstart --target "0.3 kcal/mol/A"',
)

_out = Console()
_err = Console(stderr=True)
_P = ParamSpec("_P")
#: No space left, or the user's share of it used up.
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, as given to 'run --out'.")]
ForceUnit = Annotated[
    str,
    typer.Option(
        help="Unit of force errors on display, for instance meV/A.",
        callback=lambda unit: f"{unit[:-2]}/Å" if unit.endswith("/A") else unit,
    ),
]
_FORCE_UNIT = "kcal/mol/Å"


def main() -> None:
    """Entry point of the console command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Å or γ is no reason to stop
    try:
        code = app(standalone_mode=False)
    except TyperException as error:  # wrong options: one line, as for every other mistake
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if message:  # none where the help was shown instead
            _err.print(f"error: {message} (asteroid-study --help)", markup=False, highlight=False, soft_wrap=True)
        code = 2
    except typer.Abort:
        code = 130
    sys.exit(code or 0)


def _answers_mistakes(command: Callable[_P, None]) -> Callable[_P, None]:
    """One line and exit code 2 for a user's mistake."""

    @functools.wraps(command)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except InputError as error:
            _fail(str(error))
        except OSError as error:
            if error.filename is None and error.errno not in _DISK_FULL:
                raise
            place = f" ({error.filename})" if error.filename is not None else ""
            _fail(
                f"the system refused{place}: {error.strerror}: free space or choose another file or --out, then repeat"
            )

    return wrapper


def _fail(message: str) -> None:
    _err.print(f"error: {message}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2)


@app.command()
@_answers_mistakes
def run(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="Sweep file (YAML) or the name of a preset.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder. Default: runs/NAME, NAME from the sweep.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Ray workers, one core each. Default: none, or all cores of the cluster with --ray-address."
        ),
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Ray cluster, HOST:PORT or auto (docs/cluster.md).", metavar="ADDRESS")
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Allow a sweep that adds budgets, seeds and the like to the folder's own.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Folder of finished stages that several runs share, also at the same time. Default: the run's own.",
            metavar="DIR",
        ),
    ] = None,
) -> None:
    """Search and train what a sweep asks for and write the tables; run again, it continues.

    Examples:

      asteroid-study run quickstart --out runs/quickstart --workers 2

      asteroid-study run my_sweep.yaml --store stages

      asteroid-study run my_sweep.yaml --ray-address auto
    """
    from study.executors import PackFailedError
    from study.folder import scratch_path
    from study.preflight import make_forecast
    from study.run import make_plan, run_plan
    from sweeps.presets import load_sweep
    from sweeps.progress import make_display

    loaded = load_sweep(sweep)
    folder = out or Path("runs") / loaded.name
    plan = make_plan(loaded)
    for line in plan.data.card:
        _say(line)
    for line in count_lines(plan, make_forecast(plan)):
        _say(line)
    _say(f"into {folder}")
    again = _run_command(sweep, folder, workers, ray_address, store, extend=extend)
    try:
        with make_display(_out) as display:
            maker = _executor_maker(workers, ray_address, scratch_path(folder), display.note)
            table = run_plan(plan, folder, maker, display.show, display.note, extend=extend, store=store)
    except KeyboardInterrupt:
        _stop("stopped", again, 130)
    except PackFailedError as error:
        _stop(f"error: {error}: see 'failures' in {folder / 'manifest.json'}", again, 1)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        _stop(f"error: the disk is full ({store or folder}): free some space", again, 2)
    failed = int((table["status"] != "ok").sum())
    if failed:
        _say(f"{failed} of {len(table)} rows failed: see the column 'status'")
    if plan.searches:
        _say(f"trials: {folder / 'trials.csv'}, Optuna's journal: {folder / 'optuna.journal'}")
    if len(table):
        _say(f"results: {folder / 'results.csv'} (and .parquet), settings and ledger: {folder / 'manifest.json'}")
        if plan.data.test.varied:
            _say(f"errors of each molecule: {folder / 'molecules.csv'}")
        _say(f'next: asteroid-study report {folder}; asteroid-study plan {folder} --target "0.3 kcal/mol/A"')


def _stop(why: str, again: str, code: int) -> NoReturn:
    """End an unfinished run with the command that goes on with it."""
    _err.print(f"{why}; finished stages are kept; to go on: {again}", soft_wrap=True, highlight=False, markup=False)
    raise typer.Exit(code) from None


def _run_command(
    sweep: str | Path,
    folder: Path,
    workers: int | None = None,
    ray_address: str | None = None,
    store: Path | None = None,
    *,
    extend: bool = False,
) -> str:
    """The command that goes on with a run."""
    options: list[tuple[str, object]] = [("--out", folder)]
    options += [("--workers", workers)] if workers is not None else []
    options += [("--ray-address", ray_address)] if ray_address is not None else []
    options += [("--store", store)] if store is not None else []
    words = ["asteroid-study", "run", str(sweep), *(str(word) for option in options for word in option)]
    return shlex.join([*words, *(["--extend"] if extend else [])])


def _executor_maker(
    workers: int | None, ray_address: str | None, scratch: Path, on_note: Callable[[str], None]
) -> Callable[[FrameBank], Executor]:
    if workers in (None, 1) and ray_address is None:
        from study.executors import SerialExecutor

        return SerialExecutor
    from study.ray_executor import RayExecutor

    return lambda bank: RayExecutor(bank, workers=workers, address=ray_address, scratch=scratch, on_note=on_note)


@app.command()
@_answers_mistakes
def status(run: RunFolder) -> None:
    """Show how far a run has come, what its labels would cost and what computing has cost so far.

    Example:

      asteroid-study status runs/quickstart
    """
    from analysis.explain import duration
    from study.costs import PriceList
    from study.results import read_manifest

    manifest = read_manifest(run)
    ledger, sharing = manifest["ledger"], manifest.get("sharing", {})
    place = manifest.get("store", "store")
    if place == "store":
        finished = sum(not stage.parent.name.startswith(".") for stage in (run / place).glob("*/stage.json"))
        finished = min(finished, manifest["stages"])  # a store may hold stages of changed labels as well
    else:  # other runs finish stages there too
        finished = sharing["stages_trained"] + sharing["stages_found"]
    _say(f"{manifest['name']} ({manifest['molecule']}): {finished}/{manifest['stages']} stages finished")
    if manifest["status"] != "complete":
        shared = None if place == "store" else Path(place)
        _say(f"to go on: {_run_command(run / 'sweep.yaml', run, store=shared)}")
    elif finished < manifest["stages"] - sharing.get("stages_pruned", 0):
        _say("the run is complete; stages whose parents failed were left out: see the column 'status' of results.csv")
    for line in label_lines(ledger, PriceList.from_json(manifest["prices"])):
        _say(line)
    _say(f"  training: {duration(ledger['sweep_core_s'])} on one core")
    if failures := manifest.get("failures", []):
        last = f"{failures[-1]['reason']} ({failures[-1]['kind']})"
        _say(f"  failed attempts at a pack: {len(failures)}, the last one: {last}")
    if sharing:
        found = f", {sharing['stages_found']:,} found finished in {place}" if place != "store" else ""
        pruned = f", {sharing['stages_pruned']:,} given up with their trials" if sharing.get("stages_pruned") else ""
        _say(
            f"  sharing: {sharing['stages_requested']:,} stages requested by rows and trials, "
            f"{sharing['stages_distinct']:,} distinct, {sharing['stages_trained']:,} trained here{found}{pruned}; "
            f"{duration(sharing['core_s_saved'])} of one core saved ({sharing['core_s_saved']:,.0f} core-seconds)"
        )


@app.command()
@_answers_mistakes
def plot(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; with several, bars compare them.")
    ],
    force_unit: ForceUnit = _FORCE_UNIT,
    budget: Annotated[
        int | None, typer.Option(help="Accurate labels of the bars. Default: the most that all strategies have.")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Draw curves and costs for two columns of a journal page.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the figures of one RUN, or for the bars over several. Default: figures/ of the first RUN."
        ),
    ] = None,
) -> None:
    """Draw every figure that the runs have data for: PDF, SVG, PNG and the CSV of the numbers behind each.

    Several runs (one molecule each) also get bars side by side.

    Examples:

      asteroid-study plot runs/quickstart --force-unit meV/A

      asteroid-study plot runs/methanol runs/ethanol --budget 100 --out figures
    """
    from analysis.explain import doubt_lines
    from analysis.selection_doubts import selection_doubts
    from study.results import read_manifest
    from study.trials import read_importances, read_trials
    from sweeps.figure_files import read_table, save_bars, save_figures

    if len({run.resolve() for run in runs}) < len(runs):
        raise InputError(f"each run is drawn once, found one twice in {' '.join(map(str, runs))}: name it once")
    loaded = [(run, read_table(run), read_manifest(run), read_trials(run), read_importances(run)) for run in runs]
    for run, table, manifest, trials, importances in loaded:
        if table is not None:
            _warn_incomplete(table, manifest)
        folder = out if out is not None and len(runs) == 1 else run / "figures"
        _say_files(save_figures(table, manifest, trials, importances, folder, force_unit, budget, wide=wide))
        for line in doubt_lines(selection_doubts(manifest)):
            _say(line)
    several = [(run, table, manifest) for run, table, manifest, _, _ in loaded if table is not None]
    if len(several) > 1:
        _say_files(save_bars(several, out or runs[0] / "figures", force_unit, budget))


@app.command()
@_answers_mistakes
def report(
    run: RunFolder,
    target: Annotated[
        str | None,
        typer.Option(
            help="Force MAE to reach, with its unit. Default: the best strategy's median error at the middle budget.",
            metavar='"0.3 kcal/mol/A"',
        ),
    ] = None,
    confidence: Annotated[float, typer.Option(help="Probability with which the target must be met.")] = 0.9,
    price: Annotated[
        list[str] | None,
        typer.Option(help="Price of one label, overriding the run's. May be repeated.", metavar="LEVEL=SECONDS"),
    ] = None,
    force_unit: ForceUnit = _FORCE_UNIT,
) -> None:
    """Write RUN/report.html: one page with the recommendation, the figures, how sure they are, and how to repeat them.

    Examples:

      asteroid-study report runs/quickstart

      asteroid-study report runs/quickstart --target "15 meV/A" --confidence 0.8 --force-unit meV/A
    """
    from asteroid.units import parse_force
    from study.results import read_manifest
    from sweeps.figure_files import read_table
    from sweeps.report_file import save_report

    target_ev_ang = None if target is None else parse_force(target)
    table, manifest = read_table(run), read_manifest(run)
    if table is not None:
        _warn_incomplete(table, manifest)
    prices = priced(manifest["prices"], price or [])
    path = save_report(
        run, table, manifest, prices, target_ev_ang, confidence=confidence, force_unit=force_unit, overrides=price or []
    )
    _say(str(path))


for _command in (check, plan, fit, convert, sample, label, calibrate):
    app.command()(_answers_mistakes(_command))


def _warn_incomplete(table: Any, manifest: dict[str, Any]) -> None:
    if len(table) < manifest["rows"]:
        _err.print(f"note: the run is not finished: {len(table)} of {manifest['rows']} rows", highlight=False)


def _say_files(files: list[Path]) -> None:
    for stem in dict.fromkeys(file.with_suffix("") for file in files):
        _say(f"{stem}: " + ", ".join(file.suffix[1:] for file in files if file.with_suffix("") == stem))


def _say(line: str) -> None:
    _out.print(line, markup=False, highlight=False, soft_wrap=True)
