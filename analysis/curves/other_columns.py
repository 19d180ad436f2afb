"""What the columns of a table say that nobody named: runs that failed, and rows of two kinds in one curve."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

_STATES = frozenset(("state", "status", "outcome", "finished", "converged", "success", "ok"))
_WHOSE = frozenset(("run", "is", "training", "train", "job"))
_FAILED = frozenset(("failed", "fail", "failure", "crashed", "crash", "killed", "error", "oom", "diverged", "running"))
_FAILED_OR_NOT = frozenset(("false", "no", "0"))
#: Columns that tell runs apart which differ by chance.
_CHANCE = frozenset(("seed", "seeds", "fold", "run", "runs", "trial", "rep", "repeat", "replica", "replicate", "id"))
_CHANCE |= frozenset(("index", "idx", "name", "number", "job", "host", "node", "gpu", "user"))
#: Kinds of rows differ by this factor and more at each of so many numbers of labels; more values are no kinds.
_FACTOR, _BUDGETS, _KINDS_MAX = 1.2, 3, 6


def refuse_failed_rows(frame: pd.DataFrame, used: Collection[str]) -> None:
    """Rows that say that their run failed, in a column such as wandb's state.

    Args:
        frame: the table.
        used: columns that were named for something else.

    Raises:
        InputError: there is one.
    """
    for name in frame.columns:
        about = _words(name) - _WHOSE
        if name in used or len(about) != 1 or not about <= _STATES:
            continue
        values = frame[name].astype("string").str.strip().str.lower()
        of_two = _FAILED_OR_NOT if set(values.dropna()) <= {"true", "false", "yes", "no", "0", "1"} else frozenset()
        failed = np.flatnonzero(values.isin(_FAILED | of_two).fillna(value=False))
        if len(failed):
            found = one_line(f"{name} = {frame[name].iloc[failed[0]]}", 60)
            raise InputError(
                f"runs of a curve must have finished, found {found} in row {failed[0] + 1} below the head "
                f"({len(failed)} such rows): leave them out"
            )


def refuse_rows_of_two_kinds(rows: pd.DataFrame, frame: pd.DataFrame, used: Collection[str], y: str) -> None:
    """Rows that a column tells apart by far, at every number of labels, though they are to make one curve.

    Args:
        rows: columns group, x, y (positive) and line, the place of the row in the table.
        frame: the table.
        used: columns that were named.
        y: name of the errors.

    Raises:
        InputError: there are such rows: splits, epochs or strategies, say, without --group.
    """
    for name in frame.columns:
        kinds = frame[name].iloc[rows["line"].to_numpy()]
        if name in used or _words(name) & _CHANCE or not 2 <= kinds.nunique() <= _KINDS_MAX:
            continue
        logs = np.log(rows["y"].clip(lower=np.finfo(float).tiny))
        told = rows.assign(kind=kinds.astype("string").to_numpy(), log=logs)
        for _, own in told.groupby("group", sort=False):
            usual = own.pivot_table(index="x", columns="kind", values="log", aggfunc="mean")
            for one, other in combinations(usual.columns, 2):
                apart = (usual[one] - usual[other]).dropna().to_numpy()
                if len(apart) >= _BUDGETS and np.abs(apart).min() > np.log(_FACTOR) and np.ptp(np.sign(apart)) == 0:
                    low, high = (one, other) if apart[0] < 0 else (other, one)
                    times = np.exp(np.median(np.abs(apart)))
                    raise InputError(
                        f"rows of a curve must be of one kind, found {y} of {one_line(f'{name} = {high}', 60)} "
                        f"{times:.2g} times that of {one_line(str(low), 40)} at every number of labels: name the "
                        "column as --group, or leave rows out"
                    )


def _words(name: object) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", str(name)).lower()))
