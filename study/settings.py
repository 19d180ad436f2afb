"""What may be tuned of a chain, and the only place where Optuna is asked for a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from study.search_config import Range

if TYPE_CHECKING:
    import optuna

    from asteroid.models.mlp import MLPSettings
    from asteroid.training import Schedule
    from study.config import Strategy, Sweep
    from study.search_config import SpaceSection

#: Keys of the search space that each strategy has a use for.
_KEYS: dict[str, tuple[str, ...]] = {
    "accurate_only": ("identify_steps", "identify_learning_rate", "rho", "hidden"),
    "pretrain_finetune": (
        "pretrain_steps",
        "pretrain_learning_rate",
        "finetune_steps",
        "finetune_learning_rate",
        "finetune_warmup_steps",
        "finetune_final_rate",
        "finetune_frozen_layers",
        "rho",
        "hidden",
    ),
}
_KEYS["asteroid"] = ("gamma_rel", *_KEYS["pretrain_finetune"])


@dataclass(frozen=True)
class Settings:
    """Settings of one chain.

    Attributes:
        gamma_rel: relative bias-weight temperature; inf for no weights.
        identify: schedule on accurate labels alone.
        pretrain: schedule on cheap labels, or None where nothing is pretrained.
        finetune: schedule after pretraining, or None.
        model: size of the networks.
    """

    gamma_rel: float
    identify: Schedule
    pretrain: Schedule | None
    finetune: Schedule | None
    model: MLPSettings


def default_settings(sweep: Sweep, schedule: str | None) -> Settings:
    """The sweep file's own settings with one of its fine-tune schedules."""
    return Settings(
        gamma_rel=math.inf,
        identify=sweep.identify.schedule(),
        pretrain=sweep.pretrain.schedule() if sweep.pretrain else None,
        finetune=sweep.finetune[schedule].schedule() if schedule is not None else None,
        model=sweep.model.settings(),
    )


def searched_keys(strategy: Strategy, space: SpaceSection) -> tuple[str, ...]:
    """Keys of the space that are varied for a strategy, in a fixed order."""
    return tuple(key for key in _KEYS.get(strategy, ()) if getattr(space, key) is not None)


def suggest(trial: optuna.Trial, strategy: Strategy, space: SpaceSection) -> dict[str, Any]:
    """Ask Optuna for a value of every searched key. The space is flat and does not depend on earlier answers."""
    return {key: _suggest_one(trial, key, getattr(space, key)) for key in searched_keys(strategy, space)}


def apply_values(defaults: Settings, values: dict[str, Any]) -> Settings:
    """The default settings with the searched keys replaced."""
    settings = defaults
    for key, value in values.items():
        stage, _, field = key.partition("_")
        if key == "gamma_rel":
            settings = replace(settings, gamma_rel=value)
        elif key == "hidden":
            settings = replace(settings, model=replace(settings.model, hidden=value))
        elif key == "rho":
            changed = {
                name: replace(schedule, rho=value)
                for name in ("identify", "pretrain", "finetune")
                if (schedule := getattr(settings, name)) is not None
            }
            settings = replace(settings, **changed)
        else:
            schedule = getattr(settings, stage)
            settings = replace(settings, **{stage: replace(schedule, **{field: value})})
    return settings


def simplicity(settings: Settings) -> tuple[float, ...]:
    """Sorts settings from simple to elaborate: no weights first, then a high temperature, then few steps and units."""
    schedules = (settings.identify, settings.pretrain, settings.finetune)
    return (1.0 / settings.gamma_rel, sum(s.steps for s in schedules if s is not None), settings.model.hidden)


def _suggest_one(trial: optuna.Trial, key: str, axis: Range | tuple[Any, ...]) -> Any:
    if isinstance(axis, Range):
        return trial.suggest_float(key, axis.low, axis.high, log=axis.log)
    return trial.suggest_categorical(key, list(axis))
