"""A model that was given becomes a finished stage of the store before anything is trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asteroid.stages.stage import StageResult
from study.recipes.given_model import given_model
from study.recipes.settings import default_settings

if TYPE_CHECKING:
    from study.engine.store import StageStore
    from study.recipes.workload import Workload


def keep_given(workload: Workload, store: StageStore) -> None:
    """Keep the model that `pretrain.from` names, where it names one, as a stage that took no time.

    Raises:
        InputError: the model cannot be read.
        OSError: the disk is full or cannot be written to.
    """
    sweep = workload.sweep
    if sweep.start is None:
        return
    spec = workload.builder.given(default_settings(sweep, next(iter(sweep.finetune), None)))
    found = given_model(sweep.start.source, sweep.model.settings())
    if spec.key not in store:
        store.save(StageResult(spec.key, spec.to_json(), found.model, math.nan, (), core_s=0.0))
