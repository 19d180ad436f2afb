"""What may be tuned of a chain, and the only place where Optuna is asked for a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asteroid.models.architectures import settings_type
from asteroid.stages.kinds import NETWORK_KINDS
from asteroid.stages.stage import ScoreSettings
from study.config.search import Range, SpaceSection
from study.config.stages import ScheduleSection
from study.recipes.given_model import given_model
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    import optuna

    from asteroid.models.network import NetworkSettings
    from asteroid.models.sgdml.settings import KernelSettings
    from asteroid.stages.kinds import NetworkStageKind
    from asteroid.training.schedule import Schedule
    from study.config.sweep import Sweep

#: Keys of the search space that belong to all networks of a chain.
_KEYS_OF_NETWORKS = ("rho", "hidden", "architecture")


def _keys(strategy: str) -> tuple[str, ...]:
    """Keys of the search space that a strategy has a use for; a kernel chooses its own settings."""
    entry = STRATEGIES[strategy]
    gamma = ("gamma_rel",) if entry.weighted else ()
    tuned = (link.kind for link in entry.chain if link.tuned)
    keys = (*gamma, *(key for kind in tuned for key in SpaceSection.model_fields if key.startswith(f"{kind}_")))
    return (*keys, *_KEYS_OF_NETWORKS) if keys else ()


@dataclass(frozen=True)
class Settings:
    """Settings of one chain.

    Attributes:
        gamma_rel: relative bias-weight temperature; inf for no weights.
        identify: schedule on accurate labels alone.
        pretrain: schedule on cheap labels, or None where nothing is pretrained.
        finetune: schedule after pretraining, or None.
        score_match: schedule on frames without labels, or None.
        residual: schedule of a network on the difference to another.
        model: architecture and size of the networks.
        kernel: settings of sGDML.
        n_probes: directions per frame in score matching.
        given: identity of a model in the place of pretraining, or None.
    """

    gamma_rel: float
    identify: Schedule
    pretrain: Schedule | None
    finetune: Schedule | None
    score_match: Schedule | None
    residual: Schedule
    model: NetworkSettings
    kernel: KernelSettings
    n_probes: int
    given: str | None = None

    def schedule(self, kind: NetworkStageKind) -> Schedule | None:
        """The schedule of a kind of stage; None where it has none."""
        found: Schedule | None = getattr(self, kind)
        return found


def default_settings(sweep: Sweep, schedule: str | None) -> Settings:
    """The sweep file's own settings with one of its fine-tune schedules."""
    return Settings(
        gamma_rel=math.inf,
        identify=sweep.identify.schedule(),
        pretrain=sweep.pretrain.schedule() if isinstance(sweep.pretrain, ScheduleSection) else None,
        finetune=sweep.finetune[schedule].schedule() if schedule is not None else None,
        score_match=sweep.score_match.schedule() if sweep.score_match else None,
        residual=(sweep.residual or sweep.identify).schedule(),
        model=sweep.model.settings(),
        kernel=sweep.kernel.settings(),
        n_probes=sweep.score_match.probes if sweep.score_match else ScoreSettings.n_probes,
        given=None if sweep.start is None else given_model(sweep.start.source, sweep.model.settings()).identity,
    )


def _stage_and_field(key: str) -> tuple[str, str]:
    """Split "finetune_learning_rate" into "finetune" and "learning_rate"."""
    for stage in NETWORK_KINDS:
        if key.startswith(f"{stage}_"):
            return stage, key.removeprefix(f"{stage}_")
    return "", key


def searched_keys(strategy: str, space: SpaceSection) -> tuple[str, ...]:
    """Keys of the space that are varied for a strategy, in a fixed order."""
    return tuple(key for key in _keys(strategy) if getattr(space, key) is not None)


def suggest(trial: optuna.Trial, strategy: str, space: SpaceSection) -> dict[str, Any]:
    """Ask Optuna for a value of every searched key. The space is flat and does not depend on earlier answers."""
    return {key: _suggest_one(trial, key, getattr(space, key)) for key in searched_keys(strategy, space)}


def apply_values(defaults: Settings, values: dict[str, Any]) -> Settings:
    """The default settings with the searched keys replaced."""
    settings = defaults
    if "architecture" in values and values["architecture"] != defaults.model.architecture:
        settings = replace(settings, model=settings_type(values["architecture"])())
    for key, value in values.items():
        stage, field = _stage_and_field(key)
        if key == "architecture":
            continue
        if key == "gamma_rel":
            settings = replace(settings, gamma_rel=value)
        elif key == "hidden":
            settings = replace(settings, model=replace(settings.model, hidden=value))
        elif key == "rho":
            changed: dict[str, Any] = {
                name: replace(schedule, rho=value)
                for name in NETWORK_KINDS
                if (schedule := settings.schedule(name)) is not None
            }
            settings = replace(settings, **changed)
        else:
            schedule = getattr(settings, stage)
            settings = replace(settings, **{stage: replace(schedule, **{field: value})})
    return settings


def simplicity(settings: Settings) -> tuple[float, ...]:
    """Sorts settings from simple to elaborate: no weights first, then a high temperature, then few steps and units."""
    schedules = [settings.schedule(kind) for kind in NETWORK_KINDS]
    return (1.0 / settings.gamma_rel, sum(s.steps for s in schedules if s is not None), settings.model.hidden)


def _suggest_one(trial: optuna.Trial, key: str, axis: Range | tuple[Any, ...]) -> Any:
    if isinstance(axis, Range):
        return trial.suggest_float(key, axis.low, axis.high, log=axis.log)
    return trial.suggest_categorical(key, list(axis))
