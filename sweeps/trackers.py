"""A run told to an experiment tracker through the tracker's own client: TensorBoard, MLflow or Weights & Biases.

Offline unless the tracker's own environment says otherwise: files lie in the run folder, and no server is asked.
"""

from __future__ import annotations

import importlib
import math
import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from study.tables.levels import with_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from study.config.sweep import Sweep
    from study.engine.progress import Progress


@dataclass(frozen=True)
class Client:
    """An open run of a tracker.

    Attributes:
        log: takes numbers by name, and the step that they belong to.
        close: ends the run.
        place: where it lies, in words.
    """

    log: Callable[[Mapping[str, float], int], None]
    close: Callable[[], None]
    place: str


def _tensorboard(folder: Path, name: str, settings: str) -> Client:
    place = folder / "tensorboard"
    writer: Any = importlib.import_module("torch.utils.tensorboard.writer").SummaryWriter(str(place))
    writer.add_text("sweep", f"{name}\n\n```yaml\n{settings}\n```")

    def log(numbers: Mapping[str, float], step: int) -> None:
        for key, value in numbers.items():
            writer.add_scalar(key, value, step)
        writer.flush()

    return Client(log, writer.close, f"tensorboard --logdir {place}")


def _mlflow(folder: Path, name: str, settings: str) -> Client:
    own: Any = importlib.import_module("mlflow")
    if "MLFLOW_TRACKING_URI" not in os.environ:
        place = folder.resolve()
        own.set_tracking_uri(f"sqlite:///{place / 'mlflow.db'}")
        if own.get_experiment_by_name(name) is None:
            own.create_experiment(name, artifact_location=(place / "mlflow_artifacts").as_uri())
    own.set_experiment(name)
    run_id = own.start_run(run_name=folder.name).info.run_id
    own.log_text(settings, "sweep.yaml")

    def log(numbers: Mapping[str, float], step: int) -> None:  # from any thread, hence the id
        own.log_metrics(dict(numbers), step=step, run_id=run_id)

    return Client(log, own.end_run, own.get_tracking_uri())


def _wandb(folder: Path, name: str, settings: str) -> Client:
    own: Any = importlib.import_module("wandb")
    mode = os.environ.get("WANDB_MODE", "offline")
    run = own.init(project=name, name=folder.name, dir=str(folder), mode=mode, config={"sweep": settings})
    run.define_metric("*", step_metric="at")  # its own steps must rise; budgets begin anew
    return Client(lambda numbers, step: run.log({**numbers, "at": step}), run.finish, f"{folder / 'wandb'} ({mode})")


#: Trackers by the name that `--log` takes, each with the module that it needs.
TRACKERS: dict[str, tuple[str, Callable[[Path, str, str], Client]]] = {
    "tensorboard": ("tensorboard", _tensorboard),
    "mlflow": ("mlflow", _mlflow),
    "wandb": ("wandb", _wandb),
}


def check_tracker(name: str) -> None:
    """Refuse a tracker that cannot be used, before anything is trained.

    Raises:
        InputError: no such tracker, or its client is not installed.
    """
    if name not in TRACKERS:
        raise InputError(f"--log is {', '.join(TRACKERS)}, found {name!r}: choose one of them")
    if find_spec(TRACKERS[name][0]) is None:
        raise InputError(
            f"--log {name} needs the package {TRACKERS[name][0]}, found none: pip install 'asteroid-study[{name}]'"
        )


@dataclass
class Tracker:
    """Tells an open client what has changed; a client that fails is left alone for the rest of the run.

    Attributes:
        client: where to; None after a failure.
        tell: told a line about a failure.
        told: numbers that were told last.
    """

    client: Client | None
    tell: Callable[[str], None]
    told: dict[str, float] = field(default_factory=dict)

    def show(self, progress: Progress) -> None:
        """Tell finished stages and the best errors so far, where these have changed."""
        numbers = progress_numbers(progress)
        if numbers != self.told:
            self.told = numbers
            self._log(numbers, progress.stages_done)

    def end(self, table: pd.DataFrame) -> None:
        """Tell the errors of all rows, the budget being the step, and end."""
        for budget, numbers in error_numbers(table).items():
            self._log(numbers, budget)
        self.close()

    def close(self) -> None:
        """End, also where the run has failed."""
        client, self.client = self.client, None
        if client is not None:
            try:
                client.close()
            except Exception as error:  # whatever a client may raise, the results are there
                self.tell(f"note: the tracker did not end as it should ({type(error).__name__}: {error})")

    def _log(self, numbers: Mapping[str, float], step: int) -> None:
        if self.client is None or not numbers:
            return
        try:
            self.client.log(numbers, step)
        except Exception as error:  # a study is worth more than its log
            self.client = None
            self.tell(f"note: the tracker failed ({type(error).__name__}: {error}); the run goes on without it")


def open_tracker(name: str, folder: Path, sweep: Sweep, tell: Callable[[str], None]) -> Tracker:
    """Open a run of a tracker.

    Args:
        name: of the tracker.
        folder: the run folder, where an offline tracker keeps its files.
        sweep: that is run; the tracker gets it as YAML.
        tell: told where the tracker's files are, and a failure of it.

    Raises:
        InputError: no such tracker, or its client is not installed.
    """
    from study.config.sweep_text import sweep_yaml

    check_tracker(name)
    try:
        client = TRACKERS[name][1](folder, sweep.name, sweep_yaml(sweep))
    except Exception as error:  # a server that is down, a folder that cannot be written
        tell(f"note: {name} did not begin ({type(error).__name__}: {error}); the run goes on without it")
        return Tracker(None, tell)
    tell(f"{name}: {client.place}")
    return Tracker(client, tell)


def progress_numbers(progress: Progress) -> dict[str, float]:
    """What a tracker is told as a run goes on; errors in eV/Å."""
    numbers: dict[str, float] = {"stages_done": progress.stages_done, "stages_total": progress.stages_total}
    best = {kind: error for kind, error in progress.best_val_ev_ang.items() if math.isfinite(error)}
    numbers |= {f"best_validation_ev_ang/{kind}": error for kind, error in best.items()}
    if progress.trials_total:
        numbers["trials_done"] = progress.trials_done
        if progress.best_trial_ev_ang is not None:
            numbers["best_trial_ev_ang"] = progress.best_trial_ev_ang
    return numbers


def error_numbers(table: pd.DataFrame) -> dict[int, dict[str, float]]:
    """Mean force MAE over seeds by budget, and by strategy and number of cheap frames, eV/Å."""
    found: dict[int, dict[str, float]] = {}
    rows = table[table["status"] == "ok"] if len(table) else table
    for measured in ("test_force_mae_ev_ang", "cv_force_mae_ev_ang"):
        if measured not in rows or not rows[measured].notna().any():
            continue
        key = with_levels(["budget", "strategy", "n_cheap"], rows)
        for row in rows.groupby(key)[[measured]].mean().dropna().reset_index().to_dict("records"):
            name = f"{measured}/{row['strategy']}_{row['n_cheap']}_cheap"
            if level := row.get("cheap_level"):
                name += f"_{level}" + (f"_{row['n_intermediate']}_intermediate" if row["n_intermediate"] else "")
            found.setdefault(int(row["budget"]), {})[name] = float(row[measured])
        break
    return found
