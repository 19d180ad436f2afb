"""The user's door: sweep files in, answers out, from Python or from the command line.

    import sweeps

    study = sweeps.run("quickstart", out="runs/quickstart")
    print(sweeps.plan(study.folder, target="0.3 kcal/mol/A"))

Every function takes what the command of its name takes, prints nothing, and raises `InputError` for a mistake. It is
loaded when it is first asked for, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asteroid.errors import InputError
    from sweeps.api.buy import Purchase, buy
    from sweeps.api.calibrate import Calibration, calibrate
    from sweeps.api.check import Check, check
    from sweeps.api.evaluate import evaluate
    from sweeps.api.export import Exported, export
    from sweeps.api.fit import Fits, fit
    from sweeps.api.label import Labelled, label
    from sweeps.api.plan import Plan, plan
    from sweeps.api.plot import plot
    from sweeps.api.predict import predict
    from sweeps.api.rank_cheap import Ranking, rank_cheap
    from sweeps.api.report import report
    from sweeps.api.run import Run, run

__all__ = [
    "Calibration",
    "Check",
    "Exported",
    "Fits",
    "InputError",
    "Labelled",
    "Plan",
    "Purchase",
    "Ranking",
    "Run",
    "buy",
    "calibrate",
    "check",
    "evaluate",
    "export",
    "fit",
    "label",
    "plan",
    "plot",
    "predict",
    "rank_cheap",
    "report",
    "run",
]

#: Where each name lives, unless in the module of its own name.
_HOMES = {
    "Calibration": "sweeps.api.calibrate",
    "Check": "sweeps.api.check",
    "Exported": "sweeps.api.export",
    "Fits": "sweeps.api.fit",
    "InputError": "asteroid.errors",
    "Labelled": "sweeps.api.label",
    "Plan": "sweeps.api.plan",
    "Purchase": "sweeps.api.buy",
    "Ranking": "sweeps.api.rank_cheap",
    "Run": "sweeps.api.run",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'sweeps' has no attribute {name!r}")
    from sweeps.foreign_packages import foreign_package

    problem = foreign_package()
    if problem is not None:
        raise ImportError(problem)
    return getattr(importlib.import_module(_HOMES.get(name, f"sweeps.api.{name}")), name)


def __dir__() -> list[str]:
    return __all__
