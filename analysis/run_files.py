"""What a run folder holds, read in one place for figures and the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.tables.manifest import read_manifest
from study.tables.molecules import read_molecules
from study.tables.results import RESULTS_FILE, read_results
from study.tables.rounds import read_rounds
from study.tables.trials import TRIALS_FILE, read_importances, read_trials

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

#: A purchase in this folder of a run is shown beside the study.
PURCHASE = "purchase"


@dataclass(frozen=True, eq=False)
class RunFiles:
    """What a run folder holds.

    Attributes:
        table: results table; None or without rows where the run only searched.
        manifest: settings, data card, ledger, versions, hardware.
        sweep_yaml: the run's own copy of its sweep.
        trials: of its Optuna studies, if any.
        importances: of its Optuna studies, if any.
        molecules: errors of each molecule, where the test set has several.
        rounds: of a purchase that lies in the run folder, under `PURCHASE`, if any.
    """

    table: pd.DataFrame | None
    manifest: dict[str, Any]
    sweep_yaml: str = ""
    trials: pd.DataFrame | None = None
    importances: pd.DataFrame | None = None
    molecules: pd.DataFrame | None = None
    rounds: pd.DataFrame | None = None


def read_run(folder: Path) -> RunFiles:
    """Read what a run folder holds.

    Raises:
        InputError: there is neither a results table nor a file of trials, there is no manifest, or a file does not fit
            its schema.
    """
    only_searched = (folder / TRIALS_FILE).is_file() and not (folder / RESULTS_FILE).is_file()
    sweep = folder / "sweep.yaml"
    return RunFiles(
        table=None if only_searched else read_results(folder),
        manifest=read_manifest(folder),
        sweep_yaml=sweep.read_text(encoding="utf-8", errors="replace") if sweep.is_file() else "",
        trials=read_trials(folder),
        importances=read_importances(folder),
        molecules=read_molecules(folder),
        rounds=read_rounds(folder / PURCHASE),
    )
