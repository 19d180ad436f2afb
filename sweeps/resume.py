"""The command lines that go on with unfinished work, and how a labelling command stops with one."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sweeps.console import stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def run_command(
    sweep: str | Path,
    folder: Path,
    workers: int | None = None,
    ray_address: str | None = None,
    store: Path | None = None,
    device: str = "cpu",
    gpus_per_worker: float | None = None,
    *,
    extend: bool = False,
    log: str | None = None,
) -> str:
    """The command that goes on with a run."""
    options: list[tuple[str, object]] = [("--out", folder)]
    options += [("--workers", workers)] if workers is not None else []
    options += [("--ray-address", ray_address)] if ray_address is not None else []
    options += [("--store", store)] if store is not None else []
    options += [("--device", device)] if device != "cpu" else []
    options += [("--gpus-per-worker", gpus_per_worker)] if gpus_per_worker is not None else []
    options += [("--log", log)] if log is not None else []
    words = ["asteroid-study", "run", str(sweep), *(str(word) for option in options for word in option)]
    return shlex.join([*words, *(["--extend"] if extend else [])])


def typed_command(*, without: str = "") -> str:
    """The command as it was typed, an option that was meant for once left out."""
    return shlex.join(["asteroid-study", *(word for word in sys.argv[1:] if word != without)])


@contextmanager
def stops_with_a_hint(kept: str) -> Iterator[None]:
    """Turn Ctrl-C into exit code 130 and lost workers into 1, both with the command that goes on."""
    from study.labelling.ray_workers import WorkersLostError

    try:
        yield
    except KeyboardInterrupt:
        stop("stopped", kept, typed_command(), 130)
    except WorkersLostError as error:
        stop(f"error: {error}", kept, typed_command(), 1)
