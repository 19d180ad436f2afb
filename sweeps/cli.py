"""The command `asteroid-study`: its commands and what becomes of errors. Heavy imports wait inside the commands."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import traceback
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from asteroid.errors import InputError
from asteroid.plain_text import one_line
from sweeps.commands.buy import buy
from sweeps.commands.calibrate import calibrate
from sweeps.commands.check import check
from sweeps.commands.check_model import check_model
from sweeps.commands.convert import convert
from sweeps.commands.evaluate import evaluate
from sweeps.commands.export import export
from sweeps.commands.fit import fit
from sweeps.commands.init import init
from sweeps.commands.label import label
from sweeps.commands.md import md
from sweeps.commands.plan import plan
from sweeps.commands.plot import plot
from sweeps.commands.predict import predict
from sweeps.commands.rank_cheap import rank_cheap
from sweeps.commands.report import report
from sweeps.commands.run import run
from sweeps.commands.sample import sample
from sweeps.commands.schema import schema
from sweeps.commands.serve import serve
from sweeps.commands.status import status
from sweeps.console import DISK_FULL, fail, note, say

if TYPE_CHECKING:
    from collections.abc import Callable

#: Every command, in the order of --help.
COMMANDS = (
    init,
    buy,
    run,
    status,
    plot,
    report,
    check,
    plan,
    export,
    predict,
    evaluate,
    md,
    check_model,
    serve,
    fit,
    convert,
    sample,
    label,
    calibrate,
    rank_cheap,
    schema,
)


class Commands(TyperGroup):
    """All commands, and two options; as options of typer's own, these would load pydantic before any help is shown."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Answer `--help` and `--version`, and leave commands to typer."""
        if args[:1] == ["--help"]:
            typer.echo(ctx.get_help())
            raise typer.Exit
        if args[:1] == ["--version"]:
            from importlib.metadata import version

            say(f"asteroid-study {version('asteroid-study')}")
            raise typer.Exit
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": []},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: no bracket of a help text is read as markup, and rich need not be loaded
    help="How many accurate labels does a machine-learned force field need, and what do they cost?\n\n"
    "Run a sweep, plot its learning curves, plan what to buy:\n\n"
    "  asteroid-study run quickstart --out runs/quickstart\n\n"
    "  asteroid-study plot runs/quickstart\n\n"
    '  asteroid-study plan runs/quickstart --target "0.3 kcal/mol/A"\n\n'
    "Add --help to a command to see its options; asteroid-study --version shows the version.",
)

#: Environment variable that shows where a mistake of the program came from.
TRACEBACK = "ASTEROID_STUDY_TRACEBACK"

#: Nothing that is counted on the command line is more.
_COUNT_MAX = 10**12

_P = ParamSpec("_P")


def main() -> None:
    """Entry point of the console command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Å or γ is no reason to stop
    try:
        words = sys.argv[1:]
        code = app(words or ["--help"], standalone_mode=False)
        code = code if words else 2  # nothing was asked
    except TyperException as error:  # wrong options: one line, as for every other mistake
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if message:  # none where the help was shown instead
            note(f"error: {one_line(message, 440)} (asteroid-study --help)")
        code = 2
    except typer.Abort:
        code = 130
    except Exception as error:  # ours, not the user's: one line all the same
        if os.environ.get(TRACEBACK):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = one_line(f"{type(error).__name__}: {error}", 200)
        note(
            f"error: this is a mistake of the program, not yours ({what}, {Path(where.filename).name}:{where.lineno}): "
            f"please report it, with what {TRACEBACK}=1 adds to this line"
        )
        code = 1
    sys.exit(code or 0)


def _answers_mistakes(command: Callable[_P, None]) -> Callable[_P, None]:
    """One line and exit code 2 for a user's mistake."""

    @functools.wraps(command)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            for name, value in kwargs.items():
                if isinstance(value, int) and abs(value) > _COUNT_MAX:
                    option = name.replace("_", "-")
                    raise InputError(f"--{option} counts something, found {value}: correct the number")
            command(*args, **kwargs)
        except InputError as error:
            fail(str(error))
        except MemoryError as error:
            reason = one_line(str(error), 120)
            fail(
                f"this needs more memory than there is{f' ({reason})' if reason else ''}: take fewer frames or budgets"
            )
        except RuntimeError as error:
            if "Symlink loop" not in str(error):
                raise
            fail(f"a path must end at a file or folder, found a loop of links ({error}): correct the path")
        except OSError as error:
            if error.filename is None and error.errno not in DISK_FULL:
                raise
            place = f" ({one_line(str(error.filename), 200)})" if error.filename is not None else ""
            fail(
                f"the system refused{place}: {error.strerror}: free space or choose another file or --out, then repeat"
            )

    return wrapper


def _summary(command: Callable[..., None]) -> str:
    """First paragraph of a command's help, whole: by default it would be cut at 45 characters."""
    return inspect.cleandoc(command.__doc__ or "").split("\n\n")[0]


_OWN_HELP = {"help_option_names": ["--help"]}
for _command in COMMANDS:
    app.command(short_help=_summary(_command), context_settings=_OWN_HELP)(_answers_mistakes(_command))
