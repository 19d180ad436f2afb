"""Writes manifest and tables of a run, and follows with them while stages are being finished."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from study.files import write_record
from study.run.manifest import make_manifest
from study.run.prediction_cost import PredictionCosts
from study.run.rows import RowMaker
from study.tables.molecules import MOLECULES_FILE, molecules_frame, write_molecules
from study.tables.out_of_fold import out_of_fold_frame, write_out_of_fold
from study.tables.results import results_frame, write_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from asteroid.descriptors.frame_bank import FrameBank
    from study.engine.catalog import StageCatalog
    from study.engine.failures import FailureLog
    from study.recipes.workload import Workload

#: Failures that the manifest keeps, the last ones.
_FAILURES_KEPT = 20
#: How often manifest and table follow the stages that are finished, s, and how little of the time that may take.
_EVERY_S, _SHARE = 30.0, 0.02


class RunRecorder:
    """The files of a run that say how far it is.

    Args:
        folder: the run folder.
        workload: the sweep and its labels.
        catalog: the stages.
        failures: failed attempts of this session.
        identity: name of the run and where its finished stages lie, for the manifest.
        earlier_failures: those of earlier sessions, as the manifest keeps them.
    """

    def __init__(
        self,
        folder: Path,
        workload: Workload,
        catalog: StageCatalog,
        failures: FailureLog,
        identity: Mapping[str, str],
        earlier_failures: Sequence[dict[str, Any]],
    ) -> None:
        self._folder, self._workload, self._catalog = folder, workload, catalog
        self._failures, self._identity, self._earlier_failures = failures, identity, list(earlier_failures)
        self._rows: RowMaker | None = None
        self._next_s = 0.0

    def start_table(self, workload: Workload, bank: FrameBank) -> None:
        """Write the tables from now on, with the rows of this workload, if it has any."""
        self._workload = workload
        self._rows = RowMaker(workload, bank, PredictionCosts(workload.data, bank.layout)) if workload.recipes else None

    def record(self, status: str) -> pd.DataFrame:
        """Write the manifest and, once it is started, the table.

        Args:
            status: of the run, "running" or "complete".

        Returns:
            the results table; empty before it is started.
        """
        began = time.monotonic()
        manifest = make_manifest(self._workload, status, self._catalog.requested, self._catalog.sharing, self._identity)
        failures = [*self._earlier_failures, *map(asdict, self._failures.failures)]
        write_record(self._folder / "manifest.json", manifest | {"failures": failures[-_FAILURES_KEPT:]})
        table = results_frame([]) if self._rows is None else self._write_tables(self._rows)
        now = time.monotonic()
        self._next_s = now + max(_EVERY_S, (now - began) / _SHARE)
        return table

    def record_when_due(self) -> None:
        """Record a run that goes on, if it was long ago."""
        if time.monotonic() >= self._next_s:
            self.record("running")

    def _write_tables(self, rows: RowMaker) -> pd.DataFrame:
        made = rows.make(self._catalog.finished)
        table = results_frame(made.results)
        write_results(table, self._folder)
        test = self._workload.data.test
        if test.varied and len(test):
            write_molecules(molecules_frame(made.molecules), self._folder)
        else:  # one of labels that were several molecules once
            (self._folder / MOLECULES_FILE).unlink(missing_ok=True)
        if not len(test):
            write_out_of_fold(out_of_fold_frame(made.out_of_fold), self._folder)
        return table
