"""Trials of a finished search."""

import json

import pandas as pd

from asteroid.units import KCAL_PER_MOL_EV
from study.tables.trials import validate_trials


def trials():
    own = {"study": "tune asteroid 50", "mode": "tune", "strategy": "asteroid", "state": "COMPLETE", "budget": 50}
    own |= {"n_cheap": 4000, "gamma_rel": 1.0, "cv_force_mae_se_ev_ang": 0.03 * KCAL_PER_MOL_EV, "core_s": 1.0}
    own |= {"cost_accurate_cpu_s": 1400.0, "cost_cheap_cpu_s": 80.0}
    settings = json.dumps({"finetune_steps": 1500, "learning_rate": 0.0015})
    rows = [
        own | {"trial": at, "cv_force_mae_ev_ang": 0.5 * KCAL_PER_MOL_EV, "chosen": at == 1, "settings": settings}
        for at in range(3)
    ]
    return validate_trials(pd.DataFrame(rows))
